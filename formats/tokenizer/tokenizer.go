package tokenizer

import (
	"context"
	"strings"
	"sync"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// TokenType is the kind of a token, numbered as in tokenizer.ggml.token_type.
type TokenType int32

// The types.
const (
	TypeUndefined   TokenType = 0
	TypeNormal      TokenType = 1
	TypeUnknown     TokenType = 2 // stands for what no token spells
	TypeControl     TokenType = 3 // no text, such as <s>
	TypeUserDefined TokenType = 4 // found in text before anything else
	TypeUnused      TokenType = 5 // padding of the vocabulary
	TypeByte        TokenType = 6 // one byte, spelled <0x0A>
)

// Tokenizer turns text into token ids and back. It is safe for concurrent use.
type Tokenizer struct {
	kind    string // tokenizer.ggml.model: gpt2, llama, bert, t5, rwkv, plamo2, gemma4, ...
	pre     string // tokenizer.ggml.pre, "" where it is not known
	vocab   *vocabulary
	scores  []float32 // nil where the vocabulary has none
	types   []TokenType
	special map[string]int32 // ids by role: bos, eos, unk, sep, pad, ...

	addBOS, addEOS bool
	begin, end     []int32 // what AddSpecial puts around the text
	addSpace       bool    // text begins with a space that is not part of it

	marked marks                                                    // tokens that are found in text first
	words  func(w *pattern.Work, dst []string, f fragment) []string // normalizes and cuts the text between them
	model  model                                                    // encodes a word
	piece  func(id int32) string                                    // the bytes of a token
	pool   sync.Pool                                                // *[]string: words
}

// model encodes one word.
type model interface {
	word(w *pattern.Work, dst []int32, s string) []int32
}

// fragment is text between special tokens.
type fragment struct {
	text         string
	first        bool // nothing stands before it
	afterSpecial bool // nothing or a special token stands before it
}

// Options for Encode.
type Options struct {
	// AddSpecial adds the tokens that the vocabulary wants around a text
	// (such as BOS in front).
	AddSpecial bool
	// ParseSpecial recognizes control tokens such as <|eot_id|> in the text;
	// without it their spelling is ordinary text.
	ParseSpecial bool
}

// Encode returns the token ids of text. What no token spells becomes the
// unknown token or, where there is none, nothing. The error is the context's,
// or says that text and vocabulary were made to take for ever.
func (t *Tokenizer) Encode(ctx context.Context, text string, opts Options) ([]int32, error) {
	w := pattern.NewWork(ctx, len(text))
	ids := make([]int32, 0, len(text)/3+8)
	if opts.AddSpecial {
		ids = append(ids, t.begin...)
	}
	words, _ := t.pool.Get().(*[]string)
	if words == nil {
		words = new([]string)
	}
	first, afterSpecial := true, true
	t.marked.each(w, text, opts.ParseSpecial, func(piece string, id int32) {
		if id != unknown {
			ids = append(ids, id)
			first, afterSpecial = false, true
			return
		}
		*words = t.words(w, (*words)[:0], fragment{piece, first, afterSpecial})
		for _, word := range *words {
			if !w.Spend(1) {
				break
			}
			ids = t.model.word(w, ids, word)
		}
		first, afterSpecial = false, false
	})
	clear(*words)
	t.pool.Put(words)
	if opts.AddSpecial {
		ids = append(ids, t.end...)
	}
	if err := w.Err(); err != nil {
		return nil, err
	}
	return ids, nil
}

// Decode returns the text of ids: the bytes of each token, control tokens
// spelled out, without the space that Encode adds in front of a text. The
// result is not always valid UTF-8, as a token may be a part of a character.
func (t *Tokenizer) Decode(ids []int32) string {
	var sb strings.Builder
	for i, id := range ids {
		piece := t.TokenBytes(id)
		if i == 0 && t.addSpace {
			piece = strings.TrimPrefix(piece, " ")
		}
		sb.WriteString(piece)
	}
	return sb.String()
}

// TokenBytes returns the bytes that a token stands for; "" for an id that is
// not in the vocabulary.
func (t *Tokenizer) TokenBytes(id int32) string {
	if id < 0 || int(id) >= t.vocab.size {
		return ""
	}
	return t.piece(id)
}

// Size is the number of tokens.
func (t *Tokenizer) Size() int { return t.vocab.size }

// Model is the value of tokenizer.ggml.model: gpt2, llama, bert, t5, ...
func (t *Tokenizer) Model() string { return t.kind }

// Pre is the value of tokenizer.ggml.pre, or "" where no name is known for the
// way in which this tokenizer cuts text into words.
func (t *Tokenizer) Pre() string { return t.pre }

// Token returns a token's spelling in the vocabulary, its score and type.
func (t *Tokenizer) Token(id int32) (text string, score float32, kind TokenType) {
	if id < 0 || int(id) >= t.vocab.size {
		return "", 0, TypeUndefined
	}
	if t.scores != nil {
		score = t.scores[id]
	}
	return t.vocab.text(id), score, t.types[id]
}

// ID returns the id of the token that is spelled text in the vocabulary.
func (t *Tokenizer) ID(text string) (int32, bool) {
	id, ok := t.vocab.id(text)
	return id, ok
}

// MergesTokens reports whether there are merges, all of two tokens into a third.
func (t *Tokenizer) MergesTokens() bool {
	b, ok := t.model.(*bpe)
	return ok && len(b.merges.merges) > 0 && len(b.extra) == 0
}

// Special returns the id of the token with a role: bos, eos, unk, sep, pad,
// cls, mask, eot, eom, fim_pre, fim_suf, fim_mid, ...
func (t *Tokenizer) Special(role string) (int32, bool) {
	id, ok := t.special[role]
	return id, ok
}

// AddsBOS reports whether AddSpecial begins a text with BOS.
func (t *Tokenizer) AddsBOS() bool { return t.addBOS }

// AddsEOS reports whether AddSpecial ends a text with EOS.
func (t *Tokenizer) AddsEOS() bool { return t.addEOS }

// role returns the id for a role or unknown.
func (t *Tokenizer) role(name string) int32 {
	if id, ok := t.special[name]; ok {
		return id
	}
	return unknown
}
