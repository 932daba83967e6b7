package vocab

import (
	"strconv"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// spTokens are the pieces of a SentencePiece model, padded to size, with the
// tokens that were added to them later.
func (c *checkpoint) spTokens(size int) ([]entry, error) {
	table := padded(size)
	for i := range c.sp.Pieces {
		if i == size {
			break
		}
		table[i] = spEntry(c.sp, i)
	}
	added, err := readObject(c.files, "added_tokens.json")
	if err != nil {
		return nil, err
	}
	for text, value := range added {
		id, ok := value.(float64)
		if !ok || id < 0 {
			return nil, fault.Op("tokenizer").File("added_tokens.json").Corrupt("token %q has id %v", text, value)
		}
		if int(id) >= size {
			c.leave(int64(id), text)
			continue
		}
		table[int(id)] = entry{text, -1000, tokenizer.TypeUserDefined}
	}
	return table, nil
}

// spEntry is a piece; user-defined ones have no kind of their own.
func spEntry(sp *tokenizer.SentencePiece, i int) entry {
	kind := sp.Types[i]
	if kind == tokenizer.TypeUserDefined {
		kind = tokenizer.TypeNormal
	}
	return entry{sp.Pieces[i], sp.Scores[i], kind}
}

// spConfigTokens adds those of tokenizer_config.json.
func (c *checkpoint) spConfigTokens(table []entry) error {
	decoder, _ := c.config["added_tokens_decoder"].(map[string]any)
	for number, value := range decoder {
		id, err := strconv.ParseInt(number, 10, 64)
		fields, _ := value.(map[string]any)
		text, ok := fields["content"].(string)
		if err != nil || id < 0 || !ok {
			return fault.Op("tokenizer").File("tokenizer_config.json").Corrupt("added token %q is not an id with a content", number)
		}
		if id >= int64(len(table)) {
			c.leave(id, text)
			continue
		}
		special, _ := fields["special"].(bool)
		if c.opts.Rules.AddedAsWritten {
			table[id] = entry{text, -1000, tokenizer.TypeUserDefined}
			if special {
				table[id].kind = tokenizer.TypeControl
			}
			continue
		}
		text, kind := addedKind(text, special)
		table[id] = entry{text, -1000, kind}
	}
	if !c.opts.Rules.AddedAsWritten || c.json == nil {
		return nil
	}
	for _, a := range c.json.AddedTokens {
		if a.ID < int64(len(table)) {
			table[a.ID] = entry{a.Content, -1000, tokenizer.TypeUserDefined}
			if a.Special {
				table[a.ID].kind = tokenizer.TypeControl
			}
		}
	}
	return nil
}

// writeSentencePiece writes the vocabulary of a SentencePiece BPE model.
func (c *checkpoint) writeSentencePiece() error {
	c.spacePrefix()
	size := c.size
	if n := c.intParam("vocab_size_per_layer_input"); n > 0 && c.opts.Rows == 0 && !c.opts.Rules.OwnRows {
		size = n
	}
	if size == 0 {
		size = len(c.sp.Pieces)
	}
	c.size = size
	table, err := c.spTokens(size)
	if err == nil {
		err = c.spConfigTokens(table)
	}
	if err != nil {
		return err
	}
	c.put("llama", c.preOr("default"), table, true)
	if err := c.special(false, len(table), nil); err != nil {
		return err
	}
	c.llamaTail()
	if eot := c.opts.Rules.EOT; eot != 0 {
		c.kvs.Set(key("eot_token_id"), eot)
	}
	if c.opts.Rules.NoSpacePrefix {
		c.kvs.Set(key("add_space_prefix"), false)
	}
	if v, ok := c.config["add_prefix_space"].(bool); ok && c.opts.Rules.StatedPrefix {
		c.kvs.Set(key("add_space_prefix"), v)
	}
	if !c.sp.DummyPrefix && !c.kvs.Has(key("add_space_prefix")) {
		c.kvs.Set(key("add_space_prefix"), false)
	}
	return nil
}

// writeFollowed writes the vocabulary of a SentencePiece BPE model whose class
// has tokens of its own after it, and names for the first three.
func (c *checkpoint) writeFollowed() error {
	own, after := len(c.sp.Pieces), c.opts.Rules.After
	table := padded(max(c.size, own+len(after)))
	for i := range table {
		switch {
		case i < own:
			table[i] = spEntry(c.sp, i)
		case i < own+len(after):
			table[i] = entry{after[i-own], 0, tokenizer.TypeControl}
		default:
			table[i].score = 0
		}
	}
	for i, name := range []string{"<unk>", "<bos>", "<eos>"}[:min(own, 3)] {
		table[i].text = name
	}
	table, err := c.fit(table, own, "tokenizer.model")
	if err != nil {
		return err
	}
	c.put("llama", c.opts.Rules.AfterPre, table, true)
	c.opts.Rules.Roles = nil // config.json says them
	return c.special(false, len(table), nil)
}

// writeLlamaHF writes a SentencePiece vocabulary of which only tokenizer.json
// is left. Scores are lost; the order of merges stands in for them, so that
// the ids stay the same.
func (c *checkpoint) writeLlamaHF() error {
	c.spacePrefix()
	table, err := c.llamaTokens()
	if err != nil {
		return err
	}
	err = c.json.Merges(func(rank int, left, right string) error {
		id, ok := c.json.OwnID(left + right)
		if !ok {
			return fault.Op("tokenizer").File("tokenizer.json").Corrupt("merge %d %q names a token that is not in the vocabulary", rank, left+right)
		}
		if int(id) < len(table) && table[id].score == -1000 {
			table[id].score = -2000 - float32(rank)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.put("llama", c.preOr("default"), table, true)
	if err := c.special(false, len(table), nil); err != nil {
		return err
	}
	c.llamaTail()
	if !prepends(c.json) {
		c.kvs.Set(key("add_space_prefix"), false)
	}
	return nil
}

// llamaTokens are the tokens of tokenizer.json as the reference's reader of
// fast tokenizers gives them: added tokens only after the model's own.
func (c *checkpoint) llamaTokens() ([]entry, error) {
	b := c.json
	roles := c.roleTokens()
	table := make([]entry, b.Size())
	own := b.Own()
	for id := range table {
		text, known := b.Token(id)
		if known == tokenizer.TypeUndefined {
			table[id] = padding(id)
			continue
		}
		kind := tokenizer.TypeNormal
		if _, isByte := tokenizer.ParseByteToken(text); isByte && id < own {
			kind = tokenizer.TypeByte
		} else if roles[text] {
			kind = tokenizer.TypeControl
		} else if id >= own {
			kind = tokenizer.TypeUserDefined
		}
		table[id] = entry{text, -1000, kind}
	}
	return c.fit(table, c.ownRows(), "tokenizer.json")
}

// writeGemma4 writes SentencePiece-like merges over characters.
func (c *checkpoint) writeGemma4() error {
	table, err := c.llamaTokens()
	if err != nil {
		return err
	}
	for i, e := range table {
		switch e.text {
		case "<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", `<|"|>`:
			table[i].kind = tokenizer.TypeUserDefined // for chat parsers to see
		}
	}
	c.put("gemma4", "", table, true)
	if err := c.special(true, len(table), nil); err != nil {
		return err
	}
	c.kvs.Set(key("add_space_prefix"), false)
	c.kvs.Set(key("add_bos_token"), true)
	return nil
}

// writeUnigram writes the vocabulary of a SentencePiece unigram model (T5).
func (c *checkpoint) writeUnigram() error {
	size := c.size
	if size == 0 {
		size = len(c.sp.Pieces)
	}
	table, err := c.spTokens(size)
	if err != nil {
		return err
	}
	c.put("t5", c.preOr("default"), table, true)
	c.spaces(c.sp.DummyPrefix, c.sp.MergeSpaces, c.sp.Charsmap, false)
	return c.special(false, len(table), nil)
}

// writeFairseq writes the vocabulary of a SentencePiece unigram model whose ids
// fairseq has changed: four tokens of its own stand for the first three.
func (c *checkpoint) writeFairseq() error {
	sp, size := c.fairseq, max(c.size, len(c.fairseq.Pieces))
	table := []entry{{"<s>", 0, tokenizer.TypeControl}, {"<pad>", 0, tokenizer.TypeControl}, {"</s>", 0, tokenizer.TypeControl}, {"<unk>", 0, tokenizer.TypeUnknown}}
	for i := 3; i < size-1; i++ {
		e := padding(i)
		if i < len(sp.Pieces) {
			e = spEntry(sp, i)
		}
		table = append(table, e)
	}
	c.put("t5", c.preOr("default"), table, true)
	c.spaces(sp.DummyPrefix, sp.MergeSpaces, sp.Charsmap, true)
	return c.special(false, len(table), nil)
}

// writeUnigramJSON writes a unigram model of tokenizer.json (XLM-RoBERTa).
func (c *checkpoint) writeUnigramJSON() error {
	b := c.json
	size := max(c.size, len(b.Model.Scores))
	table := padded(size)
	roles := c.roleTokens()
	added := map[string]bool{}
	for _, a := range b.AddedTokens {
		added[a.Content] = true
	}
	for id, score := range b.Model.Scores {
		kind := tokenizer.TypeNormal
		text, _ := b.Token(id)
		switch {
		case b.Model.UnkID != nil && int64(id) == *b.Model.UnkID:
			kind = tokenizer.TypeUnknown
		case roles[text]:
			kind = tokenizer.TypeControl
		case added[text]:
			kind = tokenizer.TypeUserDefined
		}
		table[id] = entry{text, float32(score), kind}
	}
	var charsmap []byte
	for _, n := range b.Normalizer.Steps() {
		if n.Type == "Precompiled" {
			charsmap = n.Charsmap
		}
	}
	prefix := true
	for _, p := range b.PreTokenizer.Steps() {
		if p.Type == "Metaspace" {
			prefix = yes(p.AddPrefixSpace) && p.PrependScheme != "never"
		}
	}
	clean, ok := c.config["clean_up_tokenization_spaces"].(bool)
	c.put("t5", c.preOr("default"), table, true)
	c.spaces(prefix, clean || !ok, charsmap, true)
	return c.special(false, len(table), nil)
}

func (c *checkpoint) spaces(prefix, merge bool, charsmap []byte, typed bool) {
	c.kvs.Set(key("add_space_prefix"), prefix)
	if typed {
		c.kvs.Set(key("token_type_count"), uint32(max(1, c.intParam("type_vocab_size"))))
	}
	c.kvs.Set(key("remove_extra_whitespaces"), merge)
	if len(charsmap) > 0 {
		c.kvs.Set(key("precompiled_charsmap"), charsmap)
	}
}
