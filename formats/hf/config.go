package hf

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Config gives typed access to a JSON object such as config.json. A dotted key
// such as "rope_scaling.factor" reaches into objects. A key whose value is null
// counts as absent. The zero Config is empty.
type Config struct {
	values map[string]any
	folder string // named in errors where there is one
	file   string // named in errors
	prefix string // of the keys, for errors: "rope_scaling."

	reading Reading
}

// NewConfig wraps a decoded object; file is named in errors.
func NewConfig(values map[string]any, file string) Config { return Config{values: values, file: file} }

// Value returns what a key holds: string, bool, json.Number, []any or
// map[string]any.
func (c Config) Value(key string) (any, bool) {
	if v, ok := c.values[key]; ok {
		return v, v != nil
	}
	head, rest, dotted := strings.Cut(key, ".")
	if sub, ok := c.values[head].(map[string]any); ok && dotted {
		return Config{values: sub}.Value(rest)
	}
	return nil, false
}

// Has reports whether a key has a value.
func (c Config) Has(key string) bool {
	_, ok := c.Value(key)
	return ok
}

// Values is the object itself, not to be changed.
func (c Config) Values() map[string]any { return c.values }

// Sub returns the object under a key; it is false for anything else.
func (c Config) Sub(key string) (Config, bool) {
	v, _ := c.Value(key)
	sub, ok := v.(map[string]any)
	return Config{values: sub, folder: c.folder, file: c.file, prefix: c.prefix + key + "."}, ok
}

// At is the place of a key, for errors of package op.
func (c Config) At(op, key string) fault.Place {
	file := c.file
	if file == "" {
		file = "config.json"
	}
	return fault.Op(op).Folder(c.folder).File(file).Key(c.prefix + key)
}

// wrong says that a key does not hold what it must.
func (c Config) wrong(key, want string) error {
	v, ok := c.Value(key)
	if !ok {
		return c.At("hf", key).Corrupt(" is missing")
	}
	text, err := json.Marshal(v)
	if err != nil || len(text) > 80 {
		text = []byte("something else")
	}
	return c.At("hf", key).Corrupt(" holds %s, want %s", text, want)
}

// get reads the value of a key with one of the conversions below.
func get[T any](c Config, key, want string, convert func(any) (T, bool)) (T, error) {
	v, ok := c.Value(key)
	if ok {
		if converted, ok := convert(v); ok {
			return converted, nil
		}
	}
	var zero T
	return zero, c.wrong(key, want)
}

func list[T any](convert func(any) (T, bool)) func(any) ([]T, bool) {
	return func(v any) ([]T, bool) {
		items, ok := v.([]any)
		if !ok {
			return nil, false
		}
		out := make([]T, len(items))
		for i, item := range items {
			if out[i], ok = convert(item); !ok {
				return nil, false
			}
		}
		return out, true
	}
}

func asString(v any) (string, bool) { s, ok := v.(string); return s, ok }
func asBool(v any) (bool, bool)     { b, ok := v.(bool); return b, ok }

func asFloat(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	return f, err == nil || math.IsInf(f, 0) // Python reads 1e999 as infinity
}

// asInt takes whole numbers in any notation: some configs say 1e6 or 4096.0.
func asInt(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, ok := asFloat(v)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// The typed accessors return an error of class corrupt that names file and key
// where the key is missing or holds another type.

// Int reads a whole number.
func (c Config) Int(key string) (int64, error) { return get(c, key, "an integer", asInt) }

// Float reads a number.
func (c Config) Float(key string) (float64, error) { return get(c, key, "a number", asFloat) }

// Bool reads a truth value.
func (c Config) Bool(key string) (bool, error) { return get(c, key, "true or false", asBool) }

// String reads a string.
func (c Config) String(key string) (string, error) { return get(c, key, "a string", asString) }

// Ints reads a list of whole numbers.
func (c Config) Ints(key string) ([]int64, error) {
	return get(c, key, "a list of integers", list(asInt))
}

// Floats reads a list of numbers.
func (c Config) Floats(key string) ([]float64, error) {
	return get(c, key, "a list of numbers", list(asFloat))
}

// Strings reads a list of strings.
func (c Config) Strings(key string) ([]string, error) {
	return get(c, key, "a list of strings", list(asString))
}

// The Or variants return a default where the key is absent; a value of another
// type is still an error.

// IntOr reads a whole number or gives def.
func (c Config) IntOr(key string, def int64) (int64, error) { return or(c, key, def, c.Int) }

// FloatOr reads a number or gives def.
func (c Config) FloatOr(key string, def float64) (float64, error) { return or(c, key, def, c.Float) }

// BoolOr reads a truth value or gives def.
func (c Config) BoolOr(key string, def bool) (bool, error) { return or(c, key, def, c.Bool) }

// StringOr reads a string or gives def.
func (c Config) StringOr(key string, def string) (string, error) { return or(c, key, def, c.String) }

func or[T any](c Config, key string, def T, get func(string) (T, error)) (T, error) {
	if !c.Has(key) {
		return def, nil
	}
	return get(key)
}
