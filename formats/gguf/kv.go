package gguf

import (
	"math"
	"slices"
)

// KV is one key-value of the header. Value is a uint8, int8, uint16, int16,
// uint32, int32, uint64, int64, float32, float64, bool or string, a slice of
// one of these, or an [Array].
type KV struct {
	Key   string
	Value any
}

// Array is an array of arrays: every item is a slice of scalars or again an
// Array. ggml itself reads arrays of scalars only.
type Array []any

// KVs is the ordered list of key-values of a file. Keys are unique.
type KVs []KV

func (kvs KVs) index(key string) int {
	return slices.IndexFunc(kvs, func(kv KV) bool { return kv.Key == key })
}

// Has reports whether key is present.
func (kvs KVs) Has(key string) bool { return kvs.index(key) >= 0 }

// Get returns the value of key as it is stored.
func (kvs KVs) Get(key string) (any, bool) {
	if i := kvs.index(key); i >= 0 {
		return kvs[i].Value, true
	}
	return nil, false
}

// Set gives key a value: in place where the key is present, else at the end.
func (kvs *KVs) Set(key string, value any) {
	if i := kvs.index(key); i >= 0 {
		(*kvs)[i].Value = value
		return
	}
	*kvs = append(*kvs, KV{key, value})
}

// SetLast removes key and appends it with its new value, which is where
// ggml's own setters leave a key.
func (kvs *KVs) SetLast(key string, value any) {
	kvs.Delete(key)
	*kvs = append(*kvs, KV{key, value})
}

// Delete removes key and reports whether it was present.
func (kvs *KVs) Delete(key string) bool {
	i := kvs.index(key)
	if i < 0 {
		return false
	}
	*kvs = slices.Delete(*kvs, i, i+1)
	return true
}

// Clone returns a list that can be changed without changing kvs. Values are
// shared.
func (kvs KVs) Clone() KVs { return slices.Clone(kvs) }

// String returns the string at key.
func (kvs KVs) String(key string) (string, bool) { return get[string](kvs, key) }

// Bool returns the bool at key.
func (kvs KVs) Bool(key string) (value, ok bool) { return get[bool](kvs, key) }

// Strings returns the array of strings at key.
func (kvs KVs) Strings(key string) ([]string, bool) { return get[[]string](kvs, key) }

// Bools returns the array of bools at key.
func (kvs KVs) Bools(key string) ([]bool, bool) { return get[[]bool](kvs, key) }

// Int returns the integer at key, of any width, where it fits an int64.
func (kvs KVs) Int(key string) (int64, bool) {
	v, _ := kvs.Get(key)
	return toInt(v)
}

// Uint returns the integer at key, of any width, where it is not negative.
func (kvs KVs) Uint(key string) (uint64, bool) {
	v, _ := kvs.Get(key)
	if u, ok := v.(uint64); ok {
		return u, true
	}
	i, ok := toInt(v)
	return uint64(i), ok && i >= 0
}

// Float returns the number at key, of any width, as a float64.
func (kvs KVs) Float(key string) (float64, bool) {
	v, _ := kvs.Get(key)
	return toFloat(v)
}

// Ints returns the array of integers at key, of any width. It reports false
// where a value does not fit an int64.
func (kvs KVs) Ints(key string) ([]int64, bool) {
	v, _ := kvs.Get(key)
	switch v := v.(type) {
	case []uint8:
		return convert(v, widen[uint8])
	case []int8:
		return convert(v, widen[int8])
	case []uint16:
		return convert(v, widen[uint16])
	case []int16:
		return convert(v, widen[int16])
	case []uint32:
		return convert(v, widen[uint32])
	case []int32:
		return convert(v, widen[int32])
	case []int64:
		return convert(v, widen[int64])
	case []uint64:
		return convert(v, func(u uint64) (int64, bool) { return int64(u), u <= math.MaxInt64 })
	}
	return nil, false
}

// Floats returns the array of numbers at key, of any width.
func (kvs KVs) Floats(key string) ([]float64, bool) {
	v, _ := kvs.Get(key)
	switch v := v.(type) {
	case []float32:
		return convert(v, func(f float32) (float64, bool) { return float64(f), true })
	case []float64:
		return slices.Clone(v), true
	}
	ints, ok := kvs.Ints(key)
	if !ok {
		return nil, false
	}
	return convert(ints, func(i int64) (float64, bool) { return float64(i), true })
}

func get[T any](kvs KVs, key string) (T, bool) {
	v, _ := kvs.Get(key)
	t, ok := v.(T)
	return t, ok
}

func toInt(v any) (int64, bool) {
	switch v := v.(type) {
	case uint8:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case int16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	}
	return 0, false
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	case uint64:
		return float64(v), true
	}
	i, ok := toInt(v)
	return float64(i), ok
}

func widen[T uint8 | int8 | uint16 | int16 | uint32 | int32 | int64](v T) (int64, bool) {
	return int64(v), true
}

// convert maps a slice, and reports false as soon as one item cannot be.
func convert[S, D any](src []S, item func(S) (D, bool)) ([]D, bool) {
	dst := make([]D, len(src))
	for i, s := range src {
		d, ok := item(s)
		if !ok {
			return nil, false
		}
		dst[i] = d
	}
	return dst, true
}
