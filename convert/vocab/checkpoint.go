package vocab

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Options change what Read makes of a checkpoint.
type Options struct {
	Rows      int             // of the embedding; 0: what config.json says
	Rules     arch.Vocabulary // of the model's class
	Pre       string          // tokenizer.ggml.pre; "": recognized
	Unchecked bool            // leave out the comparison with the source's own rules
	Native    bool            // Mistral's own format counts, whatever other files there are
}

// checkpoint is the vocabulary of a checkpoint on its way to key-values.
type checkpoint struct {
	files   tokenizer.Files
	opts    Options
	model   hf.Config                // config.json
	config  map[string]any           // tokenizer_config.json
	json    *tokenizer.File          // tokenizer.json, or nil
	sp      *tokenizer.SentencePiece // tokenizer.model, or nil
	ranks   []string                 // of tokenizer.model, where it is no SentencePiece model
	fairseq *tokenizer.SentencePiece // sentencepiece.bpe.model, of models from fairseq, or nil
	own     *tokenizer.Tokenizer     // the rules of the source, where they are not in json or sp
	native  bool                     // params.json stands for config.json
	size    int                      // vocab_size of config.json or params.json, 0 where it has none
	kvs     gguf.KVs
	notes   []string
	left    []string // tokens without a row
}

func (c *checkpoint) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// maxVocabulary bounds the padding that a configuration can ask for.
const maxVocabulary = 1 << 24

// read returns a file's contents, nil where there is none.
func (c *checkpoint) read(name string) ([]byte, error) {
	raw, err := c.files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}

// intParam is a number of config.json, where the language model's own part
// counts before the rest; 0 where there is none.
func (c *checkpoint) intParam(name string) int {
	text, _ := c.model.Text()
	if !text.Has(name) {
		text = c.model
	}
	n, _ := text.Int(name)
	return int(n)
}
