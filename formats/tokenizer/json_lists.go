package tokenizer

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Merges is the list of merges: each one "a b" or ["a", "b"]. It is read
// by hand, as files have half a million of them.
type Merges [][2]string

func (m *Merges) UnmarshalJSON(raw []byte) error {
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	// raw is valid JSON, so that strings and brackets are all there is to find.
	var pair []string
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case ' ', '\t', '\r', '\n', ',':
		case '[':
			if depth++; depth > 2 {
				return fault.Op("tokenizer").Corrupt("merge %d is not two strings", len(*m))
			}
			pair = pair[:0]
		case ']':
			if depth--; depth == 0 {
				return nil
			}
			if len(pair) != 2 {
				return fault.Op("tokenizer").Corrupt("merge %d is not two strings", len(*m))
			}
			*m = append(*m, [2]string{pair[0], pair[1]})
		case '"':
			text, n, err := jsonString(raw[i:])
			if err != nil {
				return err
			}
			i += n - 1
			if depth == 2 {
				pair = append(pair, text)
				continue
			}
			left, right, ok := strings.Cut(text, " ")
			if !ok || strings.Contains(right, " ") || depth != 1 {
				return fault.Op("tokenizer").Corrupt("merge %d %q is not two strings", len(*m), text)
			}
			*m = append(*m, [2]string{left, right})
		default:
			return fault.Op("tokenizer").Corrupt("merge %d is not two strings", len(*m))
		}
	}
	return fault.Op("tokenizer").Corrupt("merges are not a list")
}

// jsonString reads the string literal that begins raw, n bytes long.
func jsonString(raw []byte) (text string, n int, err error) {
	escaped := false
	for n = 1; n < len(raw) && raw[n] != '"'; n++ {
		if raw[n] == '\\' {
			escaped = true
			n++
		}
	}
	n = min(n+1, len(raw))
	if !escaped {
		return strings.ToValidUTF8(string(raw[1:n-1]), "\uFFFD"), n, nil
	}
	err = json.Unmarshal(raw[:n], &text)
	return text, n, err
}

// jsonVocab reads the object of tokens and ids of a vocabulary. raw is valid
// JSON. Of a token that is there twice the last id counts.
func jsonVocab(raw []byte) (map[string]int32, error) {
	type row struct {
		text string
		id   int32
	}
	var rows []row
	if len(raw) == 0 || raw[0] != '{' {
		return nil, fault.Op("tokenizer").File("tokenizer.json").Corrupt("vocabulary is not an object of tokens and ids")
	}
	for i := 1; i < len(raw); i++ {
		if raw[i] != '"' {
			continue // white space, commas, the end
		}
		text, n, err := jsonString(raw[i:])
		if err != nil {
			return nil, err
		}
		i += n
		for raw[i] == ':' || isSpaceByte(raw[i]) {
			i++
		}
		from := i
		for raw[i] != ',' && raw[i] != '}' && !isSpaceByte(raw[i]) {
			i++
		}
		id, err := strconv.ParseInt(string(raw[from:i]), 10, 32)
		if err != nil {
			return nil, fault.Op("tokenizer").File("tokenizer.json").Corrupt("token %q has id %.40s", text, raw[from:i])
		}
		rows = append(rows, row{text, int32(id)})
	}
	vocab := make(map[string]int32, len(rows))
	for _, r := range rows {
		vocab[r.text] = r.id
	}
	return vocab, nil
}
