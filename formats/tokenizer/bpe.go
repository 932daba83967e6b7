package tokenizer

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// bpe encodes a word by byte-pair merges (Sennrich et al. 2016). Symbols are
// tokens, by id; strings that only merges know get ids after the tokens.
type bpe struct {
	merges pairTable
	tokens int32    // ids below are tokens
	extra  []string // text of the ids from tokens on

	bytes [256]int32       // byte alphabet: the symbol of each byte
	chars map[string]int32 // else: the symbol of each character
	whole *lexicon         // words that need no merges (ignore_merges), or nil
	lines map[string]int32 // runs of line ends that are tokens (gemma4), or nil

	fallback *[256]int32 // byte tokens for unknown characters, or nil
	strict   bool        // all bytes of a character or none
	unk      int32       // for a character without bytes, or unknown
	fuse     bool        // neighbouring unknown characters give one unk

	cut   wordCut
	state sync.Pool
}

// bpeState is the scratch space of one goroutine.
type bpeState struct {
	merger
	cache wordCache
}

// setMerges builds the merge table over the tokens of the model. A closed
// vocabulary must have a token for every merge; else a merge may name strings
// that are no tokens. Of a merge that is there twice llama.cpp, which does not
// demand closed vocabularies, keeps the first, Hugging Face tokenizers the last.
func (b *bpe) setMerges(all merges, tokens *lexicon, closed bool) error {
	own := map[string]int32{}
	stray := func(id int32, text string) int32 {
		if id != unknown {
			return id
		}
		id, ok := own[text]
		if !ok {
			text = strings.Clone(text)
			id = b.tokens + int32(len(b.extra))
			own[text] = id
			b.extra = append(b.extra, text)
		}
		return id
	}
	if closed {
		stray = nil
	}
	all, err := all.join(tokens, stray)
	b.merges = newPairTable(all.ids, !closed)
	b.cut = all.cut
	b.cut.off = b.chars == nil || b.whole != nil
	for text, id := range own {
		if b.chars != nil && runeCount(text) == 1 {
			b.chars[text] = id
		}
	}
	return err
}

// setBytes makes the symbols single bytes in the byte alphabet.
func (b *bpe) setBytes(tokens *lexicon) {
	for i := range b.bytes {
		id, ok := tokens.id(byteChar[i])
		if !ok {
			for j, text := range b.extra {
				if text == byteChar[i] {
					id = b.tokens + int32(j)
				}
			}
		}
		b.bytes[i] = id
	}
}

func (b *bpe) pair(_ string, l, r *part) (rank, id int32, ok bool) {
	if l.id < 0 || r.id < 0 {
		return 0, 0, false
	}
	return b.merges.get(l.id, r.id)
}

func (b *bpe) word(w *pattern.Work, dst []int32, s string) []int32 {
	st, _ := b.state.Get().(*bpeState)
	if st == nil {
		st = &bpeState{cache: wordCache{}}
	}
	defer b.state.Put(st)
	for s != "" && w.Spend(1) {
		n := b.cut.next(s)
		dst = b.cached(w, dst, s[:n], st)
		s = s[n:]
	}
	return dst
}

func (b *bpe) cached(w *pattern.Work, dst []int32, s string, st *bpeState) []int32 {
	if ids, ok := st.cache[s]; ok {
		return append(dst, ids...)
	}
	from := len(dst)
	dst = b.encode(w, dst, s, st)
	if w.Err() == nil {
		st.cache.note(s, dst[from:])
	}
	return dst
}

func (b *bpe) encode(w *pattern.Work, dst []int32, s string, st *bpeState) []int32 {
	if b.whole != nil {
		text := s
		if b.chars == nil {
			text = ToByteChars(s)
		}
		if id, ok := b.whole.id(text); ok {
			return append(dst, id)
		}
	}
	if id, ok := b.lines[s]; ok {
		return append(dst, id)
	}
	st.reset()
	if b.chars == nil {
		for i := range len(s) {
			st.add(i, 1, b.bytes[s[i]])
		}
	} else {
		for i := 0; i < len(s); {
			n := leadLen(s[i:])
			id, ok := b.chars[s[i:i+n]]
			if !ok {
				id = unknown
			}
			st.add(i, n, id)
			i += n
		}
	}
	st.run(w, s, b)
	wasUnk := false
	for i := range st.parts {
		p := &st.parts[i]
		switch {
		case p.n == 0:
			continue
		case p.id >= 0 && p.id < b.tokens:
			dst = append(dst, p.id)
			wasUnk = false
			continue
		}
		dst, wasUnk = b.spell(dst, s[p.at:p.at+p.n], wasUnk)
	}
	return dst
}

// spell writes a part that is no token.
func (b *bpe) spell(dst []int32, text string, wasUnk bool) ([]int32, bool) {
	if b.chars == nil {
		// Only merges know it: each of its ASCII letters may be a token.
		for i := range len(text) {
			if own := b.bytes[text[i]]; text[i] < utf8.RuneSelf && own >= 0 && own < b.tokens && byteChar[text[i]] == text[i:i+1] {
				dst = append(dst, own)
			}
		}
		return b.unknown(dst, wasUnk)
	}
	if b.fallback != nil {
		from := len(dst)
		for i := range len(text) {
			if id := b.fallback[text[i]]; id >= 0 {
				dst = append(dst, id)
			}
		}
		if !b.strict || len(dst)-from == len(text) {
			return dst, false
		}
		dst = dst[:from]
	}
	return b.unknown(dst, wasUnk)
}

func (b *bpe) unknown(dst []int32, wasUnk bool) ([]int32, bool) {
	if b.unk < 0 {
		return dst, false
	}
	if !b.fuse || !wasUnk {
		dst = append(dst, b.unk)
	}
	return dst, true
}
