package tokenizer

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Row is a token of a vocabulary.
type Row struct {
	Text  string
	Score float32
	Type  TokenType
}

// maxRows is twice as many tokens as PLaMo-2 has.
const maxRows = 1 << 18

// ParsePLaMo reads tokenizer.jsonl of PLaMo-2: a JSON list a line, of the
// token, its score and its type.
func ParsePLaMo(raw []byte) ([]Row, error) {
	kinds := map[string]TokenType{"UNKNOWN": TypeUnknown, "CONTROL": TypeControl, "BYTE": TypeByte}
	var rows []Row
	for line := range bytes.Lines(raw) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if len(rows) == maxRows {
			return nil, fault.Op("tokenizer").File("tokenizer.jsonl").Corrupt(" has more than %d tokens", maxRows)
		}
		var row []any
		if err := json.Unmarshal(line, &row); err != nil || len(row) < 2 {
			return nil, fault.Op("tokenizer").Corrupt("jsonl: token %d is not a list", len(rows))
		}
		text, isText := row[0].(string)
		score, isNumber := row[1].(float64)
		if !isText || !isNumber {
			return nil, fault.Op("tokenizer").Corrupt("jsonl: token %d is not a string with a score", len(rows))
		}
		e := Row{text, float32(score), TypeNormal}
		if len(row) > 2 {
			name, _ := row[2].(string)
			if kind, ok := kinds[name]; ok {
				e.Type = kind
			} else if strings.HasPrefix(text, "<|plamo:") && strings.HasSuffix(text, "|>") {
				e.Type = TypeControl
			}
		}
		rows = append(rows, e)
	}
	return rows, nil
}
