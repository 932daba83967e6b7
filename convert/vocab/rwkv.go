package vocab

import (
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// writeRWKV writes the vocabulary of RWKV world: lines of an id, a Python
// literal and its length.
func (c *checkpoint) writeRWKV() error {
	raw, err := c.read("rwkv_vocab_v20230424.txt")
	if err != nil {
		return err
	}
	tokens, err := tokenizer.ParseRWKV(raw)
	if err != nil {
		return err
	}
	table := []entry{{"<s>", 0, tokenizer.TypeControl}}
	for _, token := range tokens {
		table = append(table, entry{token, 0, tokenizer.TypeNormal})
	}
	size := c.size
	if size == 0 {
		size = 65536
	}
	if len(table) > size {
		return fault.Op("tokenizer").File("rwkv_vocab_v20230424.txt").Corrupt(" has %d tokens, config.json says vocab_size %d", len(table), size)
	}
	table = append(table, padded(size)[len(table):]...)
	c.put("rwkv", "", table, false)
	return c.special(false, 0, func(v *specialVocab) error {
		if v.chat == nil {
			v.chat = "rwkv-world"
		}
		if err := v.setID("rwkv_vocab_v20230424.txt", "eot", 261); err != nil { // "\n\n"
			return err
		}
		v.ids.set("bos", 0)
		v.ids.set("eos", 0)
		return nil
	})
}
