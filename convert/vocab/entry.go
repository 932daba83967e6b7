package vocab

import (
	"strconv"

	"github.com/f190792d/mq/formats/tokenizer"
)

// entry is a token as a GGUF file has it.
type entry struct {
	text  string
	score float32
	kind  tokenizer.TokenType
}

// padding is the unused token that stands for a row without one.
func padding(id int) entry {
	return entry{"[PAD" + strconv.Itoa(id) + "]", -10000, tokenizer.TypeUnused}
}

// padded is a table of unused tokens.
func padded(size int) []entry {
	table := make([]entry, size)
	for i := range table {
		table[i] = padding(i)
	}
	return table
}
