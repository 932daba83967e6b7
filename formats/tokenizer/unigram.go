package tokenizer

import (
	"math"

	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// unigram encodes with the most probable sequence of tokens (Kudo 2018), by
// the Viterbi algorithm over characters.
type unigram struct {
	match  *trie
	scores []float64 // by id
	unk    int32
	miss   float64     // score of a character without a token
	bytes  *[256]int32 // byte tokens in place of unk, or nil
	short  bool        // sums are float32, which shows in long texts
}

// unknownPenalty is how far an unknown character lies below the least
// probable token.
const unknownPenalty = 10

// newUnigram builds a model. Only normal, user-defined and unused tokens can
// come out; user-defined ones always win.
func newUnigram(v *vocabulary, scores []float64, types []TokenType, unk int32) *unigram {
	m := &unigram{scores: make([]float64, len(scores)), unk: unk}
	var keys []string
	var ids []int32
	least := math.Inf(1)
	for id, text := range v.all() {
		if int(id) == len(scores) {
			break
		}
		switch types[id] {
		case TypeNormal:
			least = min(least, scores[id])
			m.scores[id] = scores[id]
		case TypeUnused:
			m.scores[id] = scores[id]
		case TypeUserDefined:
		default:
			continue
		}
		keys = append(keys, text)
		ids = append(ids, id)
	}
	if math.IsInf(least, 1) {
		least = 0 // no normal token
	}
	m.miss = least - unknownPenalty
	m.match = newTrie(keys, ids)
	return m
}

// asSentencePiece makes the model compute as the SentencePiece library does,
// which gives user-defined tokens a score of their own: no other can win.
func (m *unigram) asSentencePiece(v *vocabulary, types []TokenType) {
	m.short, m.miss = true, float64(float32(m.miss))
	for id, kind := range types {
		if kind == TypeUserDefined {
			m.scores[id] = float64(float32(0.1 * float64(len(v.text(int32(id)))-1)))
		}
	}
}

type step struct {
	from  int32
	id    int32
	score float64
}

func (m *unigram) word(w *pattern.Work, dst []int32, s string) []int32 {
	if s == "" {
		return dst
	}
	best := make([]step, len(s)+1)
	for i := range best[1:] {
		best[i+1].score = math.Inf(-1)
	}
	reached := 0 // the last place that has a step
	offer := func(from, to int, id int32, score float64) {
		score += best[from].score
		if m.short {
			score = float64(float32(score))
		}
		if score > best[to].score {
			best[to] = step{int32(from), id, score}
			reached = max(reached, to)
		}
	}
	for at := 0; at < len(s); {
		if !w.Spend(1) {
			return dst
		}
		if m.short && reached >= at && math.Abs(best[at].score) > resetScore {
			rebase(best[at : reached+1])
		}
		size := leadLen(s[at:])
		single := false
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
				single = single || end-at == size
				offer(at, end, id, m.scores[id])
			}
		}
		if !single {
			offer(at, at+size, m.unk, m.miss)
		}
		at += size
	}
	return m.trace(dst, s, best)
}

// resetScore is where the SentencePiece library begins to count anew, as
// float32 has few digits left for the next token's score.
const resetScore = 100_000

// rebase subtracts the first score from all.
func rebase(steps []step) {
	from := steps[0].score
	if math.IsInf(from, 0) {
		return
	}
	for i := range steps {
		steps[i].score = float64(float32(steps[i].score - from))
	}
}

// trace follows the best steps back from the end. Neighbouring unknown
// characters become one unk, or their bytes.
func (m *unigram) trace(dst []int32, s string, best []step) []int32 {
	var path []int32 // ends, last first
	for at := int32(len(s)); at > 0; at = best[at].from {
		path = append(path, at)
	}
	wasUnk := false
	for i := len(path) - 1; i >= 0; i-- {
		st := best[path[i]]
		if st.id != m.unk {
			dst, wasUnk = append(dst, st.id), false
			continue
		}
		if m.bytes != nil {
			for _, b := range []byte(s[st.from:path[i]]) {
				if id := m.bytes[b]; id >= 0 {
					dst = append(dst, id)
				}
			}
			continue
		}
		if !wasUnk && m.unk >= 0 {
			dst = append(dst, m.unk)
		}
		wasUnk = true
	}
	return dst
}
