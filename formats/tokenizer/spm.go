package tokenizer

import (
	"slices"
	"strings"
	"sync"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// spm encodes as SentencePiece's BPE models do: neighbours are put together
// whenever their text is a token, the token with the highest score first.
type spm struct {
	vocab   *vocabulary
	types   []TokenType
	only    func(TokenType) bool // types of the tokens that text is put together from; nil for all
	rank    []int32              // of each token by score, highest first; equal scores share
	longest int                  // bytes of the longest token
	bytes   [256]int32
	unk     int32
	fuse    bool  // an unknown character is one unk, together with its unknown neighbours
	keep    *trie // tokens that are never put together with others, or nil
	cut     wordCut
	state   sync.Pool
}

// frozen marks a part that takes no part in merges.
const frozen int32 = -2

// newSPM builds a model over all tokens.
func newSPM(v *vocabulary, scores []float32, types []TokenType) *spm {
	m := &spm{vocab: v, types: types, rank: make([]int32, v.size), unk: unknown}
	order := make([]int32, v.size)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	for i, id := range order {
		if i > 0 && scores[id] == scores[order[i-1]] {
			m.rank[id] = m.rank[order[i-1]]
		} else {
			m.rank[id] = int32(i)
		}
	}
	for i := range m.bytes {
		m.bytes[i] = unknown
	}
	for id, text := range v.all() {
		m.longest = max(m.longest, len(text))
		if types[id] == TypeByte {
			if b, ok := ParseByteToken(text); ok {
				m.bytes[b] = id
			}
		}
		m.crosses(text)
	}
	return m
}

// id returns the id of a token that text may be put together from.
func (m *spm) id(text string) (int32, bool) {
	id, ok := m.vocab.own.id(text)
	return id, ok && (m.only == nil || m.only(m.types[id]))
}

// maxCheckedToken is the longest token that crosses looks into.
const maxCheckedToken = 256

// crosses notes where a merge that makes the token joins the end of a word and
// the U+2581 that begins the next one.
func (m *spm) crosses(text string) {
	if len(text) > maxCheckedToken {
		m.cut.off = m.cut.off || strings.Contains(strings.TrimLeft(text, lowBlock), lowBlock)
		return
	}
	piece := func(s string) bool {
		_, ok := m.id(s)
		return ok || leadLen(s) == len(s)
	}
	for at := strings.LastIndex(text, lowBlock); at > 0; at = strings.LastIndex(text[:at], lowBlock) {
		if piece(text[:at]) && piece(text[at:]) {
			m.cut.join(text[:at], text[at:])
		}
	}
}

func (m *spm) pair(text string, l, r *part) (rank, id int32, ok bool) {
	if int(l.n+r.n) > m.longest || l.id == frozen || r.id == frozen {
		return 0, 0, false
	}
	id, ok = m.id(text[l.at : r.at+r.n])
	if !ok {
		return 0, 0, false
	}
	return m.rank[id], id, true
}

func (m *spm) word(w *pattern.Work, dst []int32, s string) []int32 {
	st, _ := m.state.Get().(*bpeState)
	if st == nil {
		st = &bpeState{cache: wordCache{}}
	}
	defer m.state.Put(st)
	if m.fuse || m.keep != nil {
		return m.encode(w, dst, s, st) // a word's ids depend on what stands before it
	}
	for s != "" && w.Spend(1) {
		n := m.cut.next(s)
		if ids, ok := st.cache[s[:n]]; ok {
			dst = append(dst, ids...)
		} else {
			from := len(dst)
			dst = m.encode(w, dst, s[:n], st)
			if w.Err() == nil {
				st.cache.note(s[:n], dst[from:])
			}
		}
		s = s[n:]
	}
	return dst
}

func (m *spm) encode(w *pattern.Work, dst []int32, s string, st *bpeState) []int32 {
	st.reset()
	for i := 0; i < len(s) && w.Spend(1); {
		n, id := leadLen(s[i:]), unknown
		if m.keep != nil {
			if k, _ := m.keep.longest(s[i:]); k > 0 {
				n, id = k, frozen
			}
		}
		st.add(i, n, id)
		i += n
	}
	st.run(w, s, m)
	for i := range st.parts {
		if p := &st.parts[i]; p.n > 0 {
			dst = m.spell(dst, s[p.at:p.at+p.n])
		}
	}
	return dst
}

// spell writes a part as a token, or as the tokens of its bytes.
func (m *spm) spell(dst []int32, text string) []int32 {
	if id, ok := m.id(text); ok {
		return append(dst, id)
	}
	for i := range len(text) {
		id := m.bytes[text[i]]
		if id < 0 {
			if m.fuse {
				if len(dst) == 0 || dst[len(dst)-1] != m.unk {
					dst = append(dst, m.unk)
				}
				break
			}
			var ok bool
			if id, ok = m.id(text[i : i+1]); !ok {
				id = m.unk
			}
		}
		if id >= 0 {
			dst = append(dst, id)
		}
	}
	return dst
}
