package vocab

import (
	"strconv"

	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// metaFile is the vocabulary in Meta's own releases.
const metaFile = "tokenizer.model"

// openMeta reads it where it is a SentencePiece model, as before Llama 3.
func (c *checkpoint) openMeta() error {
	raw, err := c.read(metaFile)
	if err != nil {
		return err
	}
	if raw == nil {
		return tokenizer.NoVocabulary()
	}
	if _, err := tokenizer.ParseTiktoken(raw); err == nil {
		return c.rows()
	}
	if c.sp, err = tokenizer.ParseSentencePiece(raw); err != nil {
		return err
	}
	return c.rows()
}

// writeMeta writes the vocabulary of Llama 3, whose special tokens stand in the
// code that came with it.
func (c *checkpoint) writeMeta() error {
	raw, err := c.read(metaFile)
	if err != nil {
		return err
	}
	tokens, err := tokenizer.ParseTiktoken(raw)
	if err != nil {
		return err
	}
	scaled, _ := c.model.BoolOr("use_scaled_rope", false)
	special := metaSpecial(scaled)
	if c.own, err = tokenizer.FromTiktoken(raw, tokenizer.TiktokenOptions{Pattern: pattern.Llama3, Special: special}); err != nil {
		return err
	}
	merges, err := allSplits(tokens)
	if err != nil {
		return err
	}
	first := int64(len(tokens))
	if err := c.putRanks(tokens, special, "llama-bpe"); err != nil {
		return err
	}
	err = c.special(false, 0, func(v *specialVocab) error {
		v.merges = merges
		v.ids.set("bos", first)
		v.ids.set("eos", first+1)
		v.ids.set("eot", first+9)
		return nil
	})
	c.kvs.Set(key("add_bos_token"), true)
	return err
}

// metaSpecial are the special tokens of Llama 3, or of 3.1 and later, which
// names three more.
func metaSpecial(later bool) []string {
	names := map[int]string{0: "begin_of_text", 1: "end_of_text", 6: "start_header_id", 7: "end_header_id", 9: "eot_id"}
	if later {
		names[4], names[8], names[10] = "finetune_right_pad_id", "eom_id", "python_tag"
	}
	var special []string
	for reserved, i := 0, 0; i < 256; i++ {
		name, ok := names[i]
		if !ok {
			name = "reserved_special_token_" + strconv.Itoa(reserved)
			reserved++
		}
		special = append(special, "<|"+name+"|>")
	}
	return special
}
