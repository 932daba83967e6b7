package tokenizer

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"sync"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
)

// ranked encodes as tiktoken does: neighbours become one token whenever their
// bytes are one, lowest rank first. The id of a token is its rank and shift.
type ranked struct {
	ranks   map[string]int32
	shift   int32
	longest int
	below   int32 // only ranks below this one, 0 for all
	state   sync.Pool
}

func newRanked(tokens []string, shift int32) *ranked {
	m := &ranked{ranks: make(map[string]int32, len(tokens)), shift: shift}
	for rank, text := range tokens {
		m.ranks[text] = int32(rank)
		m.longest = max(m.longest, len(text))
	}
	return m
}

func (m *ranked) pair(text string, l, r *part) (rank, id int32, ok bool) {
	if int(l.n+r.n) > m.longest {
		return 0, 0, false
	}
	rank, ok = m.ranks[text[l.at:r.at+r.n]]
	return rank, rank, ok && (m.below == 0 || rank < m.below)
}

func (m *ranked) word(w *pattern.Work, dst []int32, s string) []int32 {
	if rank, ok := m.ranks[s]; ok {
		return append(dst, rank+m.shift)
	}
	st, _ := m.state.Get().(*bpeState)
	if st == nil {
		st = new(bpeState)
	}
	defer m.state.Put(st)
	m.merge(w, st, s)
	for _, p := range st.parts {
		if p.n > 0 {
			dst = append(dst, p.id+m.shift)
		}
	}
	return dst
}

func (m *ranked) merge(w *pattern.Work, st *bpeState, s string) {
	st.reset()
	for i := range len(s) {
		st.add(i, 1, m.ranks[s[i:i+1]])
	}
	st.run(w, s, m)
}

// halves returns the two tokens that a token is made of, or ok false: the last
// merge that builds it from lower ranks.
func (m *ranked) halves(st *bpeState, token string, rank int32) (left, right string, ok bool) {
	m.below = rank
	m.merge(pattern.Bounded(len(token)), st, token)
	m.below = 0
	var sides []string
	for _, p := range st.parts {
		if p.n > 0 {
			sides = append(sides, token[p.at:p.at+p.n])
		}
	}
	if len(sides) != 2 {
		return "", "", false
	}
	return sides[0], sides[1], true
}

// RankedMerges returns for every token of several bytes the two tokens that it
// is made of, in the order of ranks; tokens that are not made of two are left
// out.
func RankedMerges(tokens []string) [][2]string {
	m, st := newRanked(tokens, 0), new(bpeState)
	var merges [][2]string
	for rank, token := range tokens {
		if len(token) == 1 {
			continue
		}
		if left, right, ok := m.halves(st, token, int32(rank)); ok {
			merges = append(merges, [2]string{left, right})
		}
	}
	return merges
}

// ParseTiktoken reads lines of base64 bytes and a rank. Ranks count from 0.
func ParseTiktoken(raw []byte) ([]string, error) {
	var tokens []string
	for line := range bytes.Lines(raw) {
		fields := bytes.Fields(line)
		if len(fields) == 0 {
			continue
		}
		bad := fault.Op("tokenizer").Corrupt("tiktoken file: line %d is not base64 bytes and a rank", len(tokens)+1)
		if len(fields) != 2 {
			return nil, bad
		}
		token, err := base64.StdEncoding.DecodeString(string(fields[0]))
		rank, err2 := strconv.Atoi(string(fields[1]))
		if err != nil || err2 != nil || len(token) == 0 {
			return nil, bad
		}
		if len(tokens) == maxRanks {
			return nil, fault.Op("tokenizer").Corrupt("tiktoken file: more than %d tokens", maxRanks)
		}
		if rank != len(tokens) {
			return nil, fault.Op("tokenizer").Corrupt("tiktoken file: rank %d stands where %d is due", rank, len(tokens))
		}
		tokens = append(tokens, string(token))
	}
	return tokens, checkRanks("tiktoken file", tokens)
}

// maxRanks is the largest number of tokens that a rank file may have, more than
// twice that of any in use.
const maxRanks = 1 << 19

// maxRankedToken is the longest token that a rank file may have, in bytes.
const maxRankedToken = 1024

// checkRanks makes sure that every byte is a token and no token is there twice.
func checkRanks(name string, tokens []string) error {
	seen := make(map[string]bool, len(tokens))
	for rank, text := range tokens {
		if seen[text] || len(text) > maxRankedToken {
			return fault.Op("tokenizer").File(name).Corrupt("token %d %q is there twice or longer than %d bytes", rank, text, maxRankedToken)
		}
		seen[text] = true
	}
	for b := range 256 {
		if !seen[string([]byte{byte(b)})] {
			return fault.Op("tokenizer").File(name).Corrupt("no token for byte 0x%02X", b)
		}
	}
	return nil
}

// TiktokenOptions complete a rank file.
type TiktokenOptions struct {
	Pattern string   // how text is cut into words; "": as Qwen does
	Special []string // tokens after the ranks, in order; nil: those of Qwen
}

// QwenSpecial are the special tokens of the first Qwen models.
func QwenSpecial() []string {
	special := []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
	for i := range 205 {
		special = append(special, "<|extra_"+strconv.Itoa(i)+"|>")
	}
	return special
}

// FromTiktoken builds the tokenizer of a tiktoken rank file (qwen.tiktoken),
// with the rules of the tiktoken library.
func FromTiktoken(raw []byte, opts TiktokenOptions) (*Tokenizer, error) {
	tokens, err := ParseTiktoken(raw)
	if err != nil {
		return nil, err
	}
	if opts.Pattern == "" {
		opts.Pattern = pattern.Qwen2
	}
	if opts.Special == nil {
		opts.Special = QwenSpecial()
	}
	t := &Tokenizer{kind: "gpt2", special: map[string]int32{}, model: newRanked(tokens, 0)}
	for i, text := range opts.Special {
		switch text {
		case "<|endoftext|>":
			t.special["eos"] = int32(len(tokens) + i)
		case "<|im_end|>":
			t.special["eot"] = int32(len(tokens) + i)
		}
	}
	return t.ranked(nil, tokens, opts.Special, opts.Pattern)
}

// ranked completes a tokenizer of ranked tokens with special tokens before and
// behind them.
func (t *Tokenizer) ranked(before, tokens, behind []string, expr string) (*Tokenizer, error) {
	split, err := pattern.Compile(expr, pattern.Unicode16)
	if err != nil {
		return nil, err
	}
	bytesOf := slices.Concat(before, tokens, behind)
	var ms []marker
	own := newLexicon(len(bytesOf), 8*len(bytesOf))
	again := newLexicon(0, 0) // of two tokens alike the first is found
	t.vocab = &vocabulary{own: own, added: again, size: len(bytesOf)}
	for i, text := range bytesOf {
		spelled, kind := ToByteChars(text), TypeNormal
		if i < len(before) || i >= len(before)+len(tokens) {
			spelled, kind = text, TypeControl
			ms = append(ms, marker{text: text, id: int32(i), control: true})
		}
		t.types = append(t.types, kind)
		if _, known := own.id(spelled); !known {
			own.add(spelled, int32(i))
			continue
		}
		again.add(spelled, int32(i))
	}
	own.seal(len(bytesOf))
	again.sealLast(len(bytesOf))
	t.marked = newLongestFirst(ms)
	t.words = func(w *pattern.Work, dst []string, f fragment) []string { return split(w, dst, repair(f.text)) }
	t.piece = func(id int32) string { return bytesOf[id] }
	t.around()
	return t, nil
}
