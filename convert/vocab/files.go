package vocab

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
)

// readObject reads a JSON object; nil where the file does not exist.
func readObject(files tokenizer.Files, name string) (map[string]any, error) {
	raw, err := files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := hf.UnmarshalJSON(raw, &object); err != nil {
		return nil, fault.Op("tokenizer").File(name).Corrupt("%w", err)
	}
	return object, nil
}

// readConfig reads a configuration; the zero Config where the file does not
// exist.
func readConfig(files tokenizer.Files, name string) (hf.Config, error) {
	raw, err := files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return hf.Config{}, nil
	}
	if err != nil {
		return hf.Config{}, err
	}
	return hf.ParseConfig(raw, name)
}

func key(name string) string { return "tokenizer.ggml." + name }

// lowBlock is U+2581, the visible space of SentencePiece vocabularies.
const lowBlock = "\u2581"

func unescapeSpaces(s string) string { return strings.ReplaceAll(s, lowBlock, " ") }

// yes reports whether an entry that is true unless it says otherwise is set.
func yes(b *bool) bool { return b == nil || *b }
