package hf

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/f190792d/mq/formats/fault"
)

// maxConfig is the longest JSON file that is held as a tree. The longest
// published config.json has some hundred kilobytes of module names.
const maxConfig = 2 << 20

// ParseConfig decodes one JSON object and keeps its numbers as written. As
// Python's json module does, it takes NaN, Infinity and -Infinity for numbers.
func ParseConfig(data []byte, file string) (Config, error) {
	if len(data) > maxConfig {
		return Config{}, fault.Corrupt("hf: %s: longer than %d bytes", file, maxConfig)
	}
	dec := json.NewDecoder(bytes.NewReader(markConstants(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))))
	dec.UseNumber()
	var values map[string]any
	if err := dec.Decode(&values); err != nil {
		return Config{}, fault.Corrupt("hf: %s: not a JSON object: %w", file, err)
	}
	if values == nil {
		return Config{}, fault.Corrupt("hf: %s: not a JSON object", file)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Config{}, fault.Corrupt("hf: %s: bytes after the JSON object", file)
	}
	unmarkConstants(values)
	return Config{values: values, file: file}, nil
}

// mark precedes the name of a constant in the string that stands for it; no
// file holds it by accident, and none gains anything from holding it.
const mark = "\x00mq:"

var constants = []string{"NaN", "Infinity", "-Infinity"}

// markConstants writes constants outside of strings as marked strings, which
// encoding/json can read.
func markConstants(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	inString := false
next:
	for i := 0; i < len(data); i++ {
		c := data[i]
		if !inString {
			for _, name := range constants {
				if bytes.HasPrefix(data[i:], []byte(name)) {
					out = append(append(append(out, `"\u0000mq:`...), name...), '"')
					i += len(name) - 1
					continue next
				}
			}
		}
		if c == '\\' && inString && i+1 < len(data) {
			out = append(out, c)
			i++
			c = data[i]
		} else if c == '"' {
			inString = !inString
		}
		out = append(out, c)
	}
	return out
}

func unmarkConstants(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = unmarkConstants(item)
		}
	case []any:
		for i, item := range v {
			v[i] = unmarkConstants(item)
		}
	case string:
		for _, name := range constants {
			if v == mark+name {
				return json.Number(name)
			}
		}
	}
	return v
}
