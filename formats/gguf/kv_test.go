package gguf

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKVsConvertBetweenWidths(t *testing.T) {
	kvs, _ := sample()
	for _, c := range []struct {
		key string
		i   int64
		u   uint64
		f   float64
		isI bool
		isU bool
		isF bool
	}{
		{key: "u8", i: 200, u: 200, f: 200, isI: true, isU: true, isF: true},
		{key: "i8", i: -3, f: -3, isI: true, isF: true},
		{key: "u16", i: 60000, u: 60000, f: 60000, isI: true, isU: true, isF: true},
		{key: "i16", i: -300, f: -300, isI: true, isF: true},
		{key: "u32", i: 1 << 31, u: 1 << 31, f: 1 << 31, isI: true, isU: true, isF: true},
		{key: "i32", i: -70000, f: -70000, isI: true, isF: true},
		{key: "u64", u: 1 << 63, f: 1 << 63, isU: true, isF: true},
		{key: "i64", i: -1 << 40, f: -1 << 40, isI: true, isF: true},
		{key: "f32", f: 1.5, isF: true},
		{key: "f64", f: 2.25, isF: true},
		{key: "bool"}, {key: "empty"}, {key: "absent"}, {key: "u8s"},
	} {
		if i, ok := kvs.Int(c.key); ok != c.isI || ok && i != c.i {
			t.Errorf("%s: Int gives %d, %v", c.key, i, ok)
		}
		if u, ok := kvs.Uint(c.key); ok != c.isU || ok && u != c.u {
			t.Errorf("%s: Uint gives %d, %v", c.key, u, ok)
		}
		if f, ok := kvs.Float(c.key); ok != c.isF || ok && f != c.f {
			t.Errorf("%s: Float gives %v, %v", c.key, f, ok)
		}
	}
	for key, want := range map[string][]int64{
		"u8s": {1, 2}, "i8s": {-1}, "u16s": {7}, "i16s": {-7}, "u32s": {1, 2, 3}, "i32s": {-1, 5}, "u64s": {9}, "i64s": {-9}, "f32s": nil, "strs": nil, "u8": nil,
	} {
		if got, ok := kvs.Ints(key); ok != (want != nil) || !cmp.Equal(got, want) {
			t.Errorf("%s: Ints gives %v, %v", key, got, ok)
		}
	}
	for key, want := range map[string][]float64{"f32s": {0.5, 1}, "f64s": {0.1}, "i32s": {-1, 5}, "strs": nil} {
		if got, ok := kvs.Floats(key); ok != (want != nil) || !cmp.Equal(got, want) {
			t.Errorf("%s: Floats gives %v, %v", key, got, ok)
		}
	}
	if _, ok := (KVs{{"k", []uint64{math.MaxUint64}}}).Ints("k"); ok {
		t.Error("Ints takes a value that does not fit")
	}
	if s, ok := kvs.String("general.architecture"); s != "llama" || !ok {
		t.Errorf("String gives %q, %v", s, ok)
	}
	if b, ok := kvs.Bool("bool"); !b || !ok {
		t.Errorf("Bool gives %v, %v", b, ok)
	}
	if b, ok := kvs.Bools("bools"); !cmp.Equal(b, []bool{true, false}) || !ok {
		t.Errorf("Bools gives %v, %v", b, ok)
	}
}

func TestSetKeepsPlacesAndSetLastMovesToTheEnd(t *testing.T) {
	kvs := KVs{{"a", "1"}, {"b", "2"}, {"c", "3"}}
	copied := kvs.Clone()
	kvs.Set("a", "4")
	kvs.SetLast("b", "5")
	kvs.Set("d", "6")
	if kvs.Delete("absent") || !kvs.Delete("c") || kvs.Has("c") {
		t.Error("Delete removes the wrong key")
	}
	if diff := cmp.Diff(KVs{{"a", "4"}, {"b", "5"}, {"d", "6"}}, kvs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(KVs{{"a", "1"}, {"b", "2"}, {"c", "3"}}, copied); diff != "" {
		t.Errorf("a change of the list changes its clone: %s", diff)
	}
}

func TestTypeOfNamesEveryValue(t *testing.T) {
	kvs, _ := sample()
	want := map[string]string{"u8": "u8", "i64s": "arr i64", "strs": "arr str", "nested": "arr arr", "empty": "str", "bool": "bool", "f64": "f64"}
	for key, name := range want {
		v, _ := kvs.Get(key)
		typ, isArray, ok := typeOf(v)
		got := typ.String()
		if isArray {
			got = "arr " + got
		}
		if got != name || !ok {
			t.Errorf("%s: the type is %q, want %q", key, got, name)
		}
	}
	if _, _, ok := typeOf(5); ok {
		t.Error("an int has a type")
	}
}
