// Package pyjson reads JSON as Python's json module does, which wrote most
// files of a checkpoint: NaN, Infinity and -Infinity are numbers, a byte order
// mark is passed over, and of a key that occurs twice the last value counts.
package pyjson

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Unmarshal decodes the one JSON value of data into v as encoding/json does. A
// constant in a place of v that is not a tree of any is read as null. A tree
// that would take much more memory than its text is refused.
func Unmarshal(data []byte, v any) error {
	constants, tree := survey(data)
	switch v.(type) {
	case *any, *map[string]any, *[]any:
		if err := bounded(tree, len(data)); err != nil {
			return err
		}
	}
	if !constants {
		return json.Unmarshal(trimMark(data), v)
	}
	return decode(NewReader(bytes.NewReader(data), "null"), v, false)
}

// Object decodes one JSON object and keeps its numbers as they are written:
// json.Number holds a constant as well.
func Object(data []byte) (map[string]any, error) {
	var object map[string]any
	constants, tree := survey(data)
	if err := bounded(tree, len(data)); err != nil {
		return nil, err
	}
	var r io.Reader = bytes.NewReader(trimMark(data))
	if constants {
		r = NewReader(r, "")
	}
	if err := decode(r, &object, true); err != nil {
		return nil, err
	}
	if object == nil {
		return nil, fault.Corrupt("not a JSON object")
	}
	if constants && !unmark(object) {
		return nil, fault.Corrupt("not a JSON object: a key is not a string")
	}
	return object, nil
}

func decode(r io.Reader, v any, numbers bool) error {
	dec := json.NewDecoder(r)
	if numbers {
		dec.UseNumber()
	}
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fault.Corrupt("bytes after the JSON value")
	}
	return nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func trimMark(data []byte) []byte { return bytes.TrimPrefix(data, byteOrderMark) }

// survey reports whether there is a constant outside of all strings, and the
// bytes that a tree of the text takes at most.
func survey(data []byte) (constants bool, tree int64) {
	const object, value = 384, 32
	inside := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case c == '"':
			inside = !inside
		case inside && c == '\\':
			i++
		case inside:
		case c == '{':
			tree += object
		case c == '[' || c == ',':
			tree += value
		case c == 'N' || c == 'I':
			constants = true
		}
	}
	return constants, tree
}

// maxTree is what a tree may take over the size of its text.
const maxTree = 60 << 20

func bounded(tree int64, size int) error {
	if tree > maxTree+int64(size) {
		return fault.Corrupt("%d bytes of JSON hold too many values", size)
	}
	return nil
}

// mark precedes the name of a constant in the string that stands for it in a
// tree; no file holds it by accident, and none gains anything from holding it.
const mark = "\x00mq:"

var constants = []string{"NaN", "Infinity", "-Infinity"}

// NewReader passes JSON on without a byte order mark and with constants written
// as instead, a JSON value; the empty string stands for a marked string.
func NewReader(r io.Reader, instead string) io.Reader {
	return &reader{in: bufio.NewReader(r), instead: instead, first: true}
}

type reader struct {
	in      *bufio.Reader
	instead string
	pending []byte // written before in goes on
	first   bool
	inside  bool // of a string
	escaped bool
}

func (r *reader) Read(p []byte) (int, error) {
	if r.first {
		r.first = false
		if head, _ := r.in.Peek(len(byteOrderMark)); bytes.Equal(head, byteOrderMark) {
			_, _ = r.in.Discard(len(head)) // it is buffered
		}
	}
	n := 0
	for n < len(p) {
		if len(r.pending) > 0 {
			taken := copy(p[n:], r.pending)
			r.pending, n = r.pending[taken:], n+taken
			continue
		}
		if n > 0 && r.in.Buffered() == 0 {
			return n, nil // what is here may be all that is asked for
		}
		c, err := r.in.ReadByte()
		if err != nil {
			return n, err
		}
		if !r.inside && (c == 'N' || c == 'I' || c == '-') && r.constant(c) {
			continue
		}
		switch {
		case r.escaped:
			r.escaped = false
		case r.inside && c == '\\':
			r.escaped = true
		case c == '"':
			r.inside = !r.inside
		}
		p[n], n = c, n+1
	}
	return n, nil
}

// constant reports whether a constant begins with c, and takes it.
func (r *reader) constant(c byte) bool {
	for _, name := range constants {
		if name[0] != c {
			continue
		}
		rest := name[1:]
		if next, _ := r.in.Peek(len(rest)); string(next) == rest {
			_, _ = r.in.Discard(len(rest)) // it is buffered
			r.pending = []byte(r.instead)
			if r.instead == "" {
				r.pending = []byte(`"\u0000mq:` + name + `"`)
			}
			return true
		}
	}
	return false
}

// unmark turns marked strings into numbers; it reports false where one is a key.
func unmark(object map[string]any) bool {
	for key, item := range object {
		if _, constant := number(key); constant || !unmarkValue(item, func(n json.Number) { object[key] = n }) {
			return false
		}
	}
	return true
}

func unmarkValue(v any, set func(json.Number)) bool {
	switch v := v.(type) {
	case map[string]any:
		return unmark(v)
	case []any:
		for i, item := range v {
			if !unmarkValue(item, func(n json.Number) { v[i] = n }) {
				return false
			}
		}
	case string:
		if n, constant := number(v); constant {
			set(n)
		}
	}
	return true
}

// number returns the constant that a marked string stands for.
func number(s string) (json.Number, bool) {
	name, marked := strings.CutPrefix(s, mark)
	return json.Number(name), marked && slices.Contains(constants, name)
}
