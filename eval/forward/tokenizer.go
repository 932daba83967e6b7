package forward

import (
	"errors"
	"io/fs"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Tokenizer loads the model's vocabulary.
func (m *Model) Tokenizer() (*tokenizer.Tokenizer, error) { return m.source.tokenizer() }

func (g *ggufSource) tokenizer() (*tokenizer.Tokenizer, error) {
	return tokenizer.FromGGUF(g.file.KVs())
}

func (c *checkpoint) tokenizer() (*tokenizer.Tokenizer, error) {
	file, err := c.files.ReadFile("tokenizer.json")
	if err == nil {
		config, err := c.files.ReadFile("tokenizer_config.json")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return tokenizer.FromJSON(file, config)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if file, err = c.files.ReadFile("tokenizer.model"); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Corrupt("forward: %s: neither tokenizer.json nor tokenizer.model is there", c.files.Name())
	} else if err != nil {
		return nil, err
	}
	return tokenizer.FromSentencePiece(file)
}
