package vocab

import (
	"cmp"
	"slices"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// allSplits lists every way in which ranked tokens are two lower ones, by
// token, then by the ranks of the two: what the reference writes for tekken. A
// token that nothing makes is an error.
func allSplits(tokens []string) ([]string, error) {
	merges, whole := splits(tokens)
	if len(whole) > 0 {
		return nil, fault.Op("tokenizer").Corrupt("token of rank %d %q is not two other tokens", whole[0], tokens[whole[0]])
	}
	return merges, nil
}

// splits does so, and returns the ranks of tokens that nothing makes.
func splits(tokens []string) (merges []string, whole []int) {
	ranks := make(map[string]int32, len(tokens))
	for rank, token := range tokens {
		ranks[token] = int32(rank)
	}
	type split struct{ left, right int32 }
	for rank, token := range tokens {
		var ways []split
		for at := 1; at < len(token); at++ {
			left, ok := ranks[token[:at]]
			right, ok2 := ranks[token[at:]]
			if ok && ok2 {
				ways = append(ways, split{left, right})
			}
		}
		if len(ways) == 0 && len(token) > 1 {
			whole = append(whole, rank)
		}
		slices.SortStableFunc(ways, func(a, b split) int {
			return cmp.Or(cmp.Compare(a.left, b.left), cmp.Compare(a.right, b.right))
		})
		for _, w := range ways {
			merges = append(merges, tokenizer.ToByteChars(tokens[w.left])+" "+tokenizer.ToByteChars(tokens[w.right]))
		}
	}
	return merges, whole
}

// writeTiktoken writes the vocabulary of qwen.tiktoken.
func (c *checkpoint) writeTiktoken() error {
	raw, err := c.read("qwen.tiktoken")
	if err != nil {
		return err
	}
	tokens, err := tokenizer.ParseTiktoken(raw)
	if err != nil {
		return err
	}
	special := tokenizer.QwenSpecial()
	end := int64(len(tokens))
	return c.writeRanks(tokens, special, "qwen2", func(v *specialVocab) error {
		if len(v.ids.keys) == 0 {
			v.ids.set("bos", end)
			v.ids.set("eos", end)
		}
		return v.setID("qwen.tiktoken", "unk", end)
	})
}

// writeKimi writes the vocabulary of tiktoken.model, whose special tokens are
// in tokenizer_config.json.
func (c *checkpoint) writeKimi() error {
	raw, err := c.read("tiktoken.model")
	if err != nil {
		return err
	}
	tokens, err := tokenizer.ParseTiktoken(raw)
	if err != nil {
		return err
	}
	config, err := c.read("tokenizer_config.json")
	if err != nil {
		return err
	}
	special := tokenizer.KimiSpecial(len(tokens), config)
	return c.writeRanks(tokens, special, "kimi-k2", nil)
}

// writeRanked writes the ranks of tokenizer.model with every way in which a
// token is two others, as its tokenizer.json would have them; the tokens after
// them stand in tokenizer_config.json.
func (c *checkpoint) writeRanked() error {
	raw, err := c.read("tokenizer.model")
	if err != nil {
		return err
	}
	config, err := c.read("tokenizer_config.json")
	if err != nil {
		return err
	}
	if c.own, err = tokenizer.FromRanks(raw, config); err != nil {
		return err
	}
	c.size = max(c.size, len(c.ranks))
	table := padded(c.size)
	for rank, token := range c.ranks {
		table[rank] = entry{tokenizer.ToByteChars(token), 0, tokenizer.TypeNormal}
	}
	if err := c.spConfigTokens(table); err != nil {
		return err
	}
	c.put("gpt2", c.preOr(c.opts.Rules.RankedPre), table, false)
	merges, whole := splits(c.ranks)
	if len(whole) > 0 {
		c.note("tokenizer: %d tokens of tokenizer.model, %q the first, are not two others: llama.cpp gives others for their text", len(whole), c.ranks[whole[0]])
	}
	return c.special(false, 0, func(v *specialVocab) error {
		v.merges = merges
		return nil
	})
}

// writeRanks writes ranked tokens with the merge that makes each of them, and
// the special tokens after them.
func (c *checkpoint) writeRanks(tokens, special []string, pre string, change func(*specialVocab) error) error {
	if err := c.putRanks(tokens, special, pre); err != nil {
		return err
	}
	return c.special(false, 0, func(v *specialVocab) error {
		for _, m := range tokenizer.RankedMerges(tokens) {
			v.merges = append(v.merges, tokenizer.ToByteChars(m[0])+" "+tokenizer.ToByteChars(m[1]))
		}
		if change != nil {
			return change(v)
		}
		return nil
	})
}

// putRanks writes the tokens alone.
func (c *checkpoint) putRanks(tokens, special []string, pre string) error {
	table := padded(max(c.size, len(tokens)+len(special)))
	for rank, token := range tokens {
		table[rank] = entry{tokenizer.ToByteChars(token), 0, tokenizer.TypeNormal}
	}
	for i, text := range special {
		table[len(tokens)+i] = entry{text, 0, tokenizer.TypeControl}
	}
	table, err := c.fit(table, len(tokens), "the rank file")
	if err != nil {
		return err
	}
	c.put("gpt2", c.preOr(pre), table, false)
	return nil
}
