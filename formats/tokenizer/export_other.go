package tokenizer

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// writeRWKV writes the vocabulary of RWKV world: lines of an id, a Python
// literal and its length.
func (c *checkpoint) writeRWKV() error {
	raw, err := c.read("rwkv_vocab_v20230424.txt")
	if err != nil {
		return err
	}
	table := []entry{{"<s>", 0, TypeControl}}
	for line := range bytes.Lines(raw) {
		token, ok := rwkvLine(string(line))
		if !ok {
			return fault.Corrupt("tokenizer: rwkv_vocab_v20230424.txt: line %d is not an id, a literal and its length", len(table))
		}
		table = append(table, entry{pythonBytes(token), 0, TypeNormal})
	}
	size := c.size
	if size == 0 {
		size = 65536
	}
	if len(table) > size {
		return fault.Corrupt("tokenizer: rwkv_vocab_v20230424.txt has %d tokens, config.json says vocab_size %d", len(table), size)
	}
	table = append(table, padded(size)[len(table):]...)
	c.put("rwkv", "", table, false)
	return c.special(false, 0, func(v *specialVocab) error {
		if v.chat == nil {
			v.chat = "rwkv-world"
		}
		if err := v.setID("eot", 261); err != nil { // "\n\n"
			return err
		}
		v.ids.set("bos", 0)
		v.ids.set("eos", 0)
		return nil
	})
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
			out.WriteString(`\x` + strings.ToLower(string([]byte{hexDigits[b>>4], hexDigits[b&15]})))
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}

// writePlamo writes the vocabulary of PLaMo-2: a JSON list a line, of the
// token, its score and its type.
func (c *checkpoint) writePlamo() error {
	raw, err := c.read("tokenizer.jsonl")
	if err != nil {
		return err
	}
	kinds := map[string]TokenType{"UNKNOWN": TypeUnknown, "CONTROL": TypeControl, "BYTE": TypeByte}
	var table []entry
	for line := range bytes.Lines(raw) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var row []any
		if err := json.Unmarshal(line, &row); err != nil || len(row) < 2 {
			return fault.Corrupt("tokenizer: tokenizer.jsonl: token %d is not a list", len(table))
		}
		text, isText := row[0].(string)
		score, isNumber := row[1].(float64)
		if !isText || !isNumber {
			return fault.Corrupt("tokenizer: tokenizer.jsonl: token %d is not a string with a score", len(table))
		}
		e := entry{text, float32(score), TypeNormal}
		if len(row) > 2 {
			name, _ := row[2].(string)
			if kind, ok := kinds[name]; ok {
				e.kind = kind
			} else if strings.HasPrefix(text, "<|plamo:") && strings.HasSuffix(text, "|>") {
				e.kind = TypeControl
			}
		}
		table = append(table, e)
	}
	table = c.padTo(table)
	c.put("plamo2", c.preOr("default"), table, true)
	for _, role := range []string{"bos", "eos", "pad", "sep", "unk"} {
		text, ok := c.config[role+"_token"].(string)
		if !ok {
			continue
		}
		id := -1
		for i, e := range table {
			if e.text == text {
				id = i
				break
			}
		}
		if id < 0 {
			return fault.Corrupt("tokenizer: tokenizer_config.json: %s_token %q is no token", role, text)
		}
		c.kvs.Set(key(writers[role]+"_token_id"), uint32(id))
	}
	c.kvs.Set(key("eot_token_id"), uint32(4))
	c.kvs.Set(key("add_space_prefix"), false)
	return nil
}
