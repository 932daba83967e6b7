package vocab

import (
	"fmt"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// writePlamo writes the vocabulary of PLaMo-2.
func (c *checkpoint) writePlamo() error {
	raw, err := c.read("tokenizer.jsonl")
	if err != nil {
		return err
	}
	rows, err := tokenizer.ParsePLaMo(raw)
	if err != nil {
		return err
	}
	var table []entry
	for _, r := range rows {
		table = append(table, entry{r.Text, r.Score, r.Type})
	}
	table = c.padTo(table)
	c.put("plamo2", c.preOr("default"), table, true)
	for _, role := range []string{"bos", "eos", "pad", "sep", "unk"} {
		text, ok := c.config[role+"_token"].(string)
		if !ok {
			continue
		}
		id := -1
		for i, e := range table {
			if e.text == text {
				id = i
				break
			}
		}
		if id < 0 {
			return fault.Op("tokenizer").File("tokenizer_config.json").Corrupt("%s_token %q is not a token", role, text)
		}
		c.kvs.Set(key(writers[role]+"_token_id"), uint32(id))
	}
	c.kvs.Set(key("eot_token_id"), uint32(4))
	c.kvs.Set(key("add_space_prefix"), false)
	return nil
}

// padTo adds unused tokens up to the vocabulary's size, numbered from 1.
func (c *checkpoint) padTo(table []entry) []entry {
	for i := 1; len(table) < c.size; i++ {
		table = append(table, entry{fmt.Sprintf("[PAD%d]", i), -1000, tokenizer.TypeUnused})
	}
	return table
}
