package tokenizer

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// plamo encodes as PLaMo-2 does: the cheapest sequence of tokens, found from
// the end of the text, with costs in whole ten-thousandths.
type plamo struct {
	match *trie
	cost  []int64 // by id
	bytes *[256]int32
}

const plamoUnknown = 10_000_000 // cost of a character without a token

func (m *plamo) word(w *pattern.Work, dst []int32, s string) []int32 {
	s = strings.TrimPrefix(s, "\uFEFF")
	type choice struct {
		cost int64
		to   int32
		id   int32
	}
	best := make([]choice, len(s)+1)
	var hits []choice
	for at := len(s); at > 0; {
		if !w.Spend(1) {
			return dst
		}
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
		hits = hits[:0]
		var node place
		for end := at; end < len(s); {
			next, ok := m.match.step(node, s[end])
			if !ok {
				break
			}
			node = next
			if end++; (end-at)&63 == 0 && !w.Spend(64) {
				return dst
			}
			if id := m.match.at(node); id >= 0 {
				hits = append(hits, choice{best[end].cost + m.cost[id], int32(end), id})
			}
		}
		pick := choice{math.MaxInt64, 0, unknown}
		for i := len(hits) - 1; i >= 0; i-- { // the longest token wins a draw
			if hits[i].cost < pick.cost {
				pick = hits[i]
			}
		}
		if c := best[at+size].cost + plamoUnknown; c < pick.cost {
			pick = choice{c, int32(at + size), unknown}
		}
		best[at] = pick
	}
	for at := int32(0); int(at) < len(s); {
		c := best[at]
		if c.id != unknown {
			dst = append(dst, c.id)
		} else {
			for _, b := range []byte(s[at:c.to]) {
				dst = append(dst, m.bytes[b])
			}
		}
		at = c.to
	}
	return dst
}

func (l *loader) plamo() error {
	m := &plamo{cost: make([]int64, l.vocab.size), bytes: byteTokens(l.vocab.own)}
	var keys []string
	var ids []int32
	for i, text := range l.vocab.all() {
		if l.types[i] == TypeByte {
			continue
		}
		if l.scores != nil {
			m.cost[i] = -int64(math.Round(float64(l.scores[i]) * 1e4))
		}
		keys, ids = append(keys, text), append(ids, i)
	}
	for b, id := range m.bytes {
		if id == unknown {
			return fault.Op("tokenizer").Corrupt("the vocabulary has no token %s", byteToken(byte(b)))
		}
	}
	m.match = newTrie(keys, ids)
	l.model = m
	l.words = func(w *pattern.Work, dst []string, f fragment) []string { return append(dst, repairLlama(f.text)) }
	l.piece = func(id int32) string {
		if b, ok := ParseByteToken(l.vocab.text(id)); ok && l.types[id] == TypeByte {
			return string([]byte{b})
		}
		return l.vocab.text(id)
	}
	return nil
}
