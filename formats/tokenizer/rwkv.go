package tokenizer

import "github.com/f190792d/mq/formats/tokenizer/pattern"

// greedy encodes with the longest token that begins the rest of the text
// (RWKV world).
type greedy struct {
	match *trie
	unk   int32
}

func (m *greedy) word(w *pattern.Work, dst []int32, s string) []int32 {
	for s != "" && w.Spend(1) {
		n, id := m.match.longest(s)
		w.Spend(n / 8)
		if n == 0 {
			n, id = 1, m.unk
		}
		if id >= 0 {
			dst = append(dst, id)
		}
		s = s[n:]
	}
	return dst
}

// unescapeRWKV reads the spelling of RWKV vocabularies: \t \n \r \xff and any
// other character after a backslash for itself.
func unescapeRWKV(text string) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			if text[i] != '\\' {
				out = append(out, text[i])
			}
			continue
		}
		i++
		switch text[i] {
		case 't':
			out = append(out, '\t')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 'x':
			if i+2 < len(text) {
				b, ok := ParseByteToken("<0x" + text[i+1:i+3] + ">")
				if ok {
					out = append(out, b)
				}
				i += 2
			}
		default:
			out = append(out, text[i])
		}
	}
	return string(out)
}
