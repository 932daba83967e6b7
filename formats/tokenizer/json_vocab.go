package tokenizer

import (
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// readVocab reads the object of tokens and ids of a model.
func (f *File) readVocab(span string) error {
	if !strings.HasPrefix(span, "{") {
		return fault.Corrupt("not an object of tokens and ids")
	}
	limit := maxTokens
	if f.Model.Type == "WordPiece" {
		limit = maxPieces
	}
	r := &jsonReader{text: span}
	own, err := readTokens(r, limit)
	if err == nil {
		err = r.end()
	}
	f.vocab = &vocabulary{own: own}
	return err
}

// readTokens reads an object of tokens and ids. Of a token that is there twice
// the last id counts.
func readTokens(r *jsonReader, limit int) (*lexicon, error) {
	rest := len(r.text) - r.at
	own := newLexicon(rest/24, rest/6)
	err := r.object(func(text string) error {
		word := r.word()
		id, ok := smallInt(word)
		if !ok {
			return fault.Corrupt("token %q has id %.40s", text, word)
		}
		if own.len() == limit || own.texts.Len()+len(text) > maxText {
			return r.fail("too many tokens")
		}
		own.put(text, id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, _, ok := own.table(); !ok {
		own = own.unique()
	}
	return own, nil
}

// smallInt reads an id.
func smallInt(word string) (id int32, ok bool) {
	if word == "" || len(word) > 9 {
		return 0, false
	}
	for i := range len(word) {
		c := word[i]
		if c < '0' || c > '9' || c == '0' && i == 0 && len(word) > 1 {
			return 0, false
		}
		id = id*10 + int32(c-'0')
	}
	return id, true
}

// readScored reads the list of tokens and scores of a Unigram model.
func (f *File) readScored(span string) error {
	own := newLexicon(len(span)/24, len(span)/4)
	f.vocab, f.Model.Scores = &vocabulary{own: own}, nil
	r := &jsonReader{text: span}
	err := r.array(func() error {
		id, text, parts := len(f.Model.Scores), "", 0
		if id == maxPieces {
			return r.fail("too many tokens")
		}
		err := r.array(func() (err error) {
			switch parts++; parts {
			case 1:
				text, err = r.string()
			case 2:
				var score float64
				score, err = r.number()
				f.Model.Scores = append(f.Model.Scores, score)
			default:
				_, err = r.span() // as encoding/json has it, more counts for nothing
			}
			return err
		})
		if err == nil && parts < 2 {
			err = r.fail("not a string and a number")
		}
		if err != nil {
			return fault.Corrupt("entry %d: %w", id, err)
		}
		if own.texts.Len()+len(text) > maxText {
			return r.fail("too many tokens")
		}
		own.put(text, int32(id))
		return nil
	})
	if err == nil {
		if first, id, ok := own.table(); !ok {
			err = fault.Corrupt("tokens %d and %d are both %q", first, id, own.row(id))
		}
	}
	return err
}

// index makes the tokens of the model and the added ones findable.
func (f *File) index() error {
	own := f.vocab.own
	count := own.len() + len(f.AddedTokens)
	size := 0
	reserve := func(text string, id int64) error {
		if id < 0 || id > int64(count)*maxSpread+1024 || id >= maxIDs {
			return corruptJSON("token %q has id %d in a vocabulary of %d", text, id, count)
		}
		size = max(size, int(id)+1)
		return nil
	}
	for row, id := range own.ids {
		if err := reserve(own.row(row), int64(id)); err != nil {
			return err
		}
	}
	for _, a := range f.AddedTokens {
		if err := reserve(a.Content, a.ID); err != nil {
			return err
		}
	}
	if a, b, ok := own.seal(size); !ok {
		id, _ := own.id(a)
		return corruptJSON("%q and %q both have id %d", a, b, id)
	}
	f.vocab.size, f.types = size, make([]TokenType, size)
	for id, text := range own.all() {
		f.types[id] = TypeNormal
		if _, ok := ParseByteToken(text); ok && f.Model.ByteFallback {
			f.types[id] = TypeByte
		}
	}
	f.addTokens()
	return nil
}

// addTokens puts the added tokens into the vocabulary. One that is there
// already keeps its id.
func (f *File) addTokens() {
	if len(f.AddedTokens) == 0 {
		return
	}
	added := newLexicon(len(f.AddedTokens), 16*len(f.AddedTokens))
	for i := range f.AddedTokens {
		a := &f.AddedTokens[i]
		if id, ok := f.vocab.own.id(a.Content); ok {
			a.ID = int64(id)
		} else if id, ok := added.id(a.Content); ok {
			a.ID = int64(id)
		} else {
			added.add(a.Content, int32(a.ID))
		}
		f.types[a.ID] = TypeUserDefined
		if a.Special {
			f.types[a.ID] = TypeControl
		}
	}
	added.sealLast(f.vocab.size)
	f.vocab.added = added
}
