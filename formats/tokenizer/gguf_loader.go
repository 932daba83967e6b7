package tokenizer

import (
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// loader builds a tokenizer from key-values.
type loader struct {
	*Tokenizer
	kvs  gguf.KVs
	rule pattern.Rule
}

func key(name string) string { return "tokenizer.ggml." + name }

func (l *loader) flag(name string, def bool) bool {
	if v, ok := l.kvs.Bool(key(name)); ok {
		return v
	}
	return def
}
