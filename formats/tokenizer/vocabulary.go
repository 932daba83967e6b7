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
	size  int
	added map[string]int32 // ids of texts that the model does not have
	named map[int32]string // texts of ids that added tokens have
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
		if first, known := l.add(text, int32(id)); known {
			return nil, fault.Op("tokenizer").Corrupt("tokens %d and %d are both %q", first, id, text)
		}
	}
	l.seal(len(tokens))
	return &vocabulary{own: l, size: len(tokens)}, nil
}

// text returns the text of a token, "" for an id without one.
func (v *vocabulary) text(id int32) string {
	if len(v.named) > 0 {
		if text, ok := v.named[id]; ok {
			return text
		}
	}
	text, _ := v.own.text(id)
	return text
}

// id returns the id of a token; a token of the model goes before added ones.
func (v *vocabulary) id(text string) (int32, bool) {
	if id, ok := v.own.id(text); ok {
		return id, true
	}
	id, ok := v.added[text]
	return id, ok
}

// add names an id.
func (v *vocabulary) add(text string, id int32) {
	if old, ok := v.own.text(id); ok && old == text {
		delete(v.named, id)
		return
	}
	if v.named == nil {
		v.named, v.added = map[int32]string{}, map[string]int32{}
	}
	v.named[id] = text
	if _, own := v.own.id(text); !own {
		v.added[text] = id
	}
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

// list returns the texts by id.
func (v *vocabulary) list() []string {
	texts := make([]string, v.size)
	for id, text := range v.all() {
		texts[id] = text
	}
	return texts
}
