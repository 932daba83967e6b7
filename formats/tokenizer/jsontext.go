package tokenizer

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/fault"
)

// jsonReader walks through JSON text without making a tree of it. Texts and
// spans that it gives are parts of the input wherever they can be.
type jsonReader struct {
	text string
	at   int
	raw  bool // bytes of strings outside UTF-8 stay as they are
}

// maxJSONDepth is how deep values may nest.
const maxJSONDepth = 128

func (r *jsonReader) fail(what string) error {
	return fault.Corrupt("byte %d: %s", r.at, what)
}

// blank passes over white space and returns the byte after it, 0 at the end.
func (r *jsonReader) blank() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// accept passes over white space and c.
func (r *jsonReader) accept(c byte) bool {
	if r.blank() != c || r.at == len(r.text) {
		return false
	}
	r.at++
	return true
}

// end makes sure that nothing follows.
func (r *jsonReader) end() error {
	if r.blank(); r.at < len(r.text) {
		return r.fail("text after the JSON value")
	}
	return nil
}

// object reads an object: each is called after every key and reads the value.
func (r *jsonReader) object(each func(key string) error) error {
	if !r.accept('{') {
		return r.fail("not an object")
	}
	if r.accept('}') {
		return nil
	}
	for {
		key, err := r.string()
		if err != nil {
			return err
		}
		if !r.accept(':') {
			return r.fail("a key without a value")
		}
		if err := each(key); err != nil {
			return err
		}
		if r.accept('}') {
			return nil
		}
		if !r.accept(',') {
			return r.fail("an object that does not end")
		}
	}
}

// array reads an array: each reads one item.
func (r *jsonReader) array(each func() error) error {
	if !r.accept('[') {
		return r.fail("not an array")
	}
	if r.accept(']') {
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		if r.accept(']') {
			return nil
		}
		if !r.accept(',') {
			return r.fail("an array that does not end")
		}
	}
}

// stops are the bytes of a string that are more than themselves.
var stops = [256]bool{'"': true, '\\': true,
	0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true, 10: true, 11: true, 12: true, 13: true, 14: true, 15: true,
	16: true, 17: true, 18: true, 19: true, 20: true, 21: true, 22: true, 23: true, 24: true, 25: true, 26: true, 27: true, 28: true, 29: true, 30: true, 31: true}

// string reads a string. Bytes outside UTF-8 become U+FFFD.
func (r *jsonReader) string() (string, error) {
	if !r.accept('"') {
		return "", r.fail("not a string")
	}
	from, escaped, all := r.at, false, byte(0)
	for ; r.at < len(r.text); r.at++ {
		c := r.text[r.at]
		if !stops[c] {
			all |= c
			continue
		}
		switch c {
		case '"':
			text := r.text[from:r.at]
			r.at++
			if escaped {
				return r.unescape(from - 1)
			}
			if all >= utf8.RuneSelf && !r.raw && !utf8.ValidString(text) {
				text = strings.ToValidUTF8(text, "\uFFFD")
			}
			return text, nil
		case '\\':
			escaped = true
			r.at++
		default:
			return "", r.fail("a control character in a string")
		}
	}
	return "", r.fail("a string that does not end")
}

// unescape decodes the string literal that begins at from and ends here.
func (r *jsonReader) unescape(from int) (text string, err error) {
	if json.Unmarshal([]byte(r.text[from:r.at]), &text) != nil {
		err = r.fail("an invalid escape in a string")
	}
	return text, err
}

// span passes over a value and returns its text.
func (r *jsonReader) span() (string, error) {
	r.blank()
	from, depth := r.at, 0
	for {
		switch c := r.blank(); c {
		case '"':
			if _, err := r.string(); err != nil {
				return "", err
			}
		case '{', '[':
			if depth++; depth > maxJSONDepth {
				return "", r.fail("values nest too deeply")
			}
			r.at++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return "", r.fail("a value is missing")
			}
			r.at++
		case ',', ':':
			if depth == 0 {
				return "", r.fail("a value is missing")
			}
			r.at++
			continue
		default:
			if r.word() == "" {
				return "", r.fail("not a value")
			}
		}
		if depth == 0 {
			return r.text[from:r.at], nil
		}
	}
}

// word reads a number, true, false, null, or one of Python's constants.
func (r *jsonReader) word() string {
	r.blank()
	from := r.at
	for ; r.at < len(r.text); r.at++ {
		if c := r.text[r.at]; !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '+' || c == '.') {
			break
		}
	}
	return r.text[from:r.at]
}

// integer reads a whole number.
func (r *jsonReader) integer() (int64, error) {
	word := r.word()
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return 0, r.fail("not an integer")
	}
	return n, nil
}

// number reads a number.
func (r *jsonReader) number() (float64, error) {
	x, err := strconv.ParseFloat(r.word(), 64)
	if err != nil {
		return 0, r.fail("not a number")
	}
	return x, nil
}

// boolean reads true or false; null counts as false.
func (r *jsonReader) boolean() (bool, error) {
	switch r.word() {
	case "true":
		return true, nil
	case "false", "null":
		return false, nil
	}
	return false, r.fail("not true or false")
}
