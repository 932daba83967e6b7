package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Dict is a dictionary that keeps the order of its keys.
type Dict struct {
	keys   []any
	values []any
	at     map[any]int
}

// Len is the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Set gives a key a value.
func (d *Dict) Set(key string, value any) { d.set(key, value) }

// Get returns the value of a key.
func (d *Dict) Get(key string) (any, bool) { return d.get(key) }

// hashed is a key as it is compared: 1, 1.0 and True are one key.
func hashed(key any) (any, bool) {
	switch k := key.(type) {
	case nil, int64, string:
		return k, true
	case markup:
		return string(k), true
	case bool:
		if k {
			return int64(1), true
		}
		return int64(0), true
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<62 {
			return int64(k), true
		}
		return k, true
	case tuple:
		return hashedTuple(k)
	case *undefined, *function, *iterator, *namespace:
		return k, true
	}
	return nil, false
}

// tupleKey is the key that a tuple is found under.
type tupleKey string

// hashedTuple is the key of a tuple of plain values, of no great length.
func hashedTuple(t tuple) (any, bool) {
	var b strings.Builder
	for _, item := range t {
		if _, isTuple := item.(tuple); isTuple || b.Len() > maxTupleKey {
			return nil, false
		}
		switch h, _ := hashed(item); h := h.(type) {
		case nil, int64, float64:
			fmt.Fprintf(&b, "%v,", h)
		case string:
			if len(h) > maxTupleKey {
				return nil, false
			}
			b.WriteString(quote(h) + ",")
		default:
			return nil, false
		}
	}
	return tupleKey(b.String()), true
}

const maxTupleKey = 1 << 12

func (d *Dict) get(key any) (any, bool) {
	h, ok := hashed(key)
	if !ok {
		return nil, false
	}
	i, ok := d.at[h]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// set gives a key a value, or returns false for one that cannot be a key.
func (d *Dict) set(key, value any) bool {
	h, ok := hashed(key)
	if !ok {
		return false
	}
	if i, ok := d.at[h]; ok {
		d.values[i] = value
		return true
	}
	if d.at == nil {
		d.at = map[any]int{}
	}
	d.at[h] = len(d.keys)
	d.keys, d.values = append(d.keys, key), append(d.values, value)
	return true
}

// Keys are the keys of a dictionary that are texts, in their order.
func (d *Dict) Keys() []string {
	var keys []string
	for _, k := range d.keys {
		if s, ok := asText(k); ok {
			keys = append(keys, s)
		}
	}
	return keys
}

// List is a list of values.
type List = list

// Decode reads JSON and keeps the order of keys, and whole numbers apart from
// others: lists are a [List], objects a [*Dict].
func Decode(data []byte) (any, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // which editors of Windows write
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, &json.RawMessage{}); errors.As(err, &syntax) {
		return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(data[:syntax.Offset], []byte("\n")), err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows the first value")
	}
	return v, nil
}

func decode(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("values are nested too deep")
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			dict := &Dict{}
			for d.More() {
				key, err := d.Token()
				if err != nil {
					return nil, err
				}
				value, err := decode(d, depth+1)
				if err != nil {
					return nil, err
				}
				dict.set(key.(string), value)
			}
			_, err := d.Token()
			return dict, err
		}
		items := list{}
		for d.More() {
			value, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, value)
		}
		_, err := d.Token()
		return items, err
	case json.Number:
		return number64(t.String())
	}
	return t, nil
}

func number64(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		return strconv.ParseInt(s, 10, 64)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, err
	}
	return f, nil
}

// valueOf turns a value of Go into one of templates, and counts its bytes.
func valueOf(v any, size *int) any {
	*size += 16
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v
	case string:
		*size += len(v)
		return v
	case int:
		return int64(v)
	case list:
		for _, item := range v {
			valueOf(item, size)
		}
		return v
	case *Dict:
		for i, k := range v.keys {
			*size += 64
			valueOf(k, size)
			valueOf(v.values[i], size)
		}
		return v
	case []any:
		items := make(list, len(v))
		for i, item := range v {
			items[i] = valueOf(item, size)
		}
		return items
	case map[string]any:
		d := &Dict{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			*size += 64 + len(k)
			d.set(k, valueOf(v[k], size))
		}
		return d
	}
	return &undefined{"a value of a type that templates do not know"}
}
