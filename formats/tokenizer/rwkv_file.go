package tokenizer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// ParseRWKV reads rwkv_vocab_v20230424.txt: lines of an id, a Python literal
// and its length. It returns the tokens from id 1 on, spelled as GGUF files
// have them.
func ParseRWKV(raw []byte) ([]string, error) {
	var tokens []string
	for line := range bytes.Lines(raw) {
		token, ok := rwkvLine(string(line))
		if !ok {
			return nil, fault.Op("tokenizer").File("rwkv_vocab_v20230424.txt").Corrupt("line %d is not an id, a literal and its length", len(tokens)+1)
		}
		tokens = append(tokens, pythonBytes(token))
	}
	return tokens, nil
}

// rwkvLine reads one line of the vocabulary.
func rwkvLine(line string) (string, bool) {
	line = strings.TrimRight(line, "\r\n")
	from, to := strings.IndexByte(line, ' '), strings.LastIndexByte(line, ' ')
	if from < 0 || to <= from {
		return "", false
	}
	size, err := strconv.Atoi(line[to+1:])
	token, ok := pythonLiteral(line[from+1 : to])
	return token, ok && err == nil && size == len(token)
}

// pythonLiteral reads 'text' or b'bytes' with the escapes that occur.
func pythonLiteral(s string) (string, bool) {
	s, isBytes := strings.CutPrefix(s, "b")
	if len(s) < 2 || s[0] != '\'' && s[0] != '"' || s[len(s)-1] != s[0] {
		return "", false
	}
	s = s[1 : len(s)-1]
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if i++; i == len(s) {
			return "", false
		}
		width := 0
		switch s[i] {
		case 'n', 'r', 't', 'a', 'b', 'f', 'v':
			out = append(out, "\n\r\t\a\b\f\v"[strings.IndexByte("nrtabfv", s[i])])
			continue
		case 'x':
			width = 2
		case 'u':
			width = 4
		case 'U':
			width = 8
		default:
			out = append(out, s[i])
			continue
		}
		if i+width >= len(s) {
			width = len(s) - 1 - i
		}
		v, err := strconv.ParseUint(s[i+1:i+1+width], 16, 32)
		if err != nil {
			return "", false
		}
		i += width
		if isBytes {
			out = append(out, byte(v))
		} else {
			out = append(out, string(rune(v))...)
		}
	}
	return string(out), true
}

// pythonBytes is Python's repr of bytes, without b and quotes.
func pythonBytes(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var out strings.Builder
	for _, b := range []byte(s) {
		switch {
		case b == quote || b == '\\':
			out.WriteByte('\\')
			out.WriteByte(b)
		case b == '\n':
			out.WriteString(`\n`)
		case b == '\r':
			out.WriteString(`\r`)
		case b == '\t':
			out.WriteString(`\t`)
		case b < 0x20 || b > 0x7E:
			fmt.Fprintf(&out, `\x%02x`, b)
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}
