package tokenizer

import (
	"iter"
	"strconv"

	"github.com/f190792d/mq/formats/fault"
)

// vocabulary is the tokens of a tokenizer: those of its model, and those that
// were added to it.
type vocabulary struct {
	own   *lexicon
	added *lexicon // texts that the model does not have, or has with another id; or nil
	size  int
}

// newVocabulary takes tokens by id. A text that is empty gets a name.
func newVocabulary(tokens []string) (*vocabulary, error) {
	size := 0
	for _, text := range tokens {
		size += len(text)
	}
	l := newLexicon(len(tokens), size)
	for id, text := range tokens {
		if text == "" {
			text = "[EMPTY_" + strconv.Itoa(id) + "]"
		}
		l.put(text, int32(id))
	}
	if first, id, ok := l.table(); !ok {
		return nil, fault.Op("tokenizer").Corrupt("tokens %d and %d are both %q", first, id, l.row(id))
	}
	l.seal(len(tokens))
	return &vocabulary{own: l, size: len(tokens)}, nil
}

// text returns the text of a token, "" for an id without one. An added token
// goes before one of the model with the same id.
func (v *vocabulary) text(id int32) string {
	if v.added != nil {
		if text, ok := v.added.text(id); ok {
			return text
		}
	}
	text, _ := v.own.text(id)
	return text
}

// id returns the id of a token; a token of the model goes before an added one
// with the same text.
func (v *vocabulary) id(text string) (int32, bool) {
	if id, ok := v.own.id(text); ok || v.added == nil {
		return id, ok
	}
	return v.added.id(text)
}

// all gives every id below the size with its text.
func (v *vocabulary) all() iter.Seq2[int32, string] {
	return func(yield func(int32, string) bool) {
		for id := range int32(v.size) {
			if !yield(id, v.text(id)) {
				return
			}
		}
	}
}
