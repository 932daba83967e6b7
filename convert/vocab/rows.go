package vocab

import (
	"fmt"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// fit cuts a table to the rows of the embedding. Added tokens without a row are
// left out, with a note; a token of the model itself, of which there are own,
// is an error. Tables that are too short are filled when they are written.
func (c *checkpoint) fit(table []entry, own int, file string) ([]entry, error) {
	if c.size == 0 || len(table) <= c.size {
		return table, nil
	}
	if own > c.size {
		return nil, fault.Op("tokenizer").File(file).Corrupt(" has %d tokens for the %d rows of the embedding (vocab_size): token %d is %q", len(table), c.size, c.size, table[c.size].text)
	}
	for id, e := range table[c.size:] {
		if e != padding(c.size+id) {
			c.leave(int64(c.size+id), e.text)
		}
	}
	return table[:c.size], nil
}

// leave notes a token that has no row.
func (c *checkpoint) leave(id int64, text string) {
	c.left = append(c.left, fmt.Sprintf("%d %q", id, text))
}

// noteLeft says which tokens were left out.
func (c *checkpoint) noteLeft() {
	const shown = 4
	left, more := c.left, ""
	if len(left) > shown {
		left, more = left[:shown], fmt.Sprintf(" and %d more", len(left)-shown)
	}
	if len(left) > 0 {
		c.note("tokenizer: the embedding has %d rows (vocab_size); added tokens without a row are left out: %s%s", c.size, strings.Join(left, ", "), more)
	}
}
