package forward

import "github.com/f190792d/mq/formats/tokenizer"

// Tokenizer loads the model's vocabulary.
func (m *Model) Tokenizer() (*tokenizer.Tokenizer, error) { return m.source.tokenizer() }

func (g *ggufSource) tokenizer() (*tokenizer.Tokenizer, error) {
	return tokenizer.FromGGUF(g.file.KVs())
}

func (c *checkpoint) tokenizer() (*tokenizer.Tokenizer, error) {
	return tokenizer.FromCheckpoint(c.files)
}
