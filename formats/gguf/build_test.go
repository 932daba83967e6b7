package gguf

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// fields encodes what a header consists of: a string with its length, bytes
// as they are, numbers at their width.
func fields(list ...any) []byte {
	var b []byte
	for _, f := range list {
		switch f := f.(type) {
		case string:
			b = appendString(b, f)
		case []byte:
			b = append(b, f...)
		default:
			var err error
			if b, err = binary.Append(b, binary.LittleEndian, f); err != nil {
				panic(err)
			}
		}
	}
	return b
}

// head begins a file of version 3.
func head(tensors, kvs uint64) []byte {
	return fields([]byte(magic), uint32(3), tensors, kvs)
}

// withKV is a file with one key-value, of which the type's id and everything
// after it are given.
func withKV(key string, rest ...any) []byte {
	return fields(append([]any{head(0, 1), key}, rest...)...)
}

// info describes a tensor as a header does.
func info(name string, typ Type, offset uint64, shape ...uint64) []byte {
	return fields(name, uint32(len(shape)), shape, uint32(typ), offset)
}

// withTensors is a file with the given descriptions and size bytes of data.
func withTensors(size int, infos ...[]byte) []byte {
	b := fields(head(uint64(len(infos)), 0), bytes.Join(infos, nil))
	return append(b, make([]byte, int(pad(int64(len(b)), DefaultAlignment))-len(b)+size)...)
}

func open(b []byte) (*File, error) { return New(bytes.NewReader(b), int64(len(b)), "test.gguf") }

// sample has every kind of key-value and tensors of several types.
func sample() (KVs, []TensorInfo) {
	kvs := KVs{
		{"general.architecture", "llama"}, {"u8", uint8(200)}, {"i8", int8(-3)}, {"u16", uint16(60000)}, {"i16", int16(-300)},
		{"u32", uint32(1 << 31)}, {"i32", int32(-70000)}, {"f32", float32(1.5)}, {"bool", true}, {"u64", uint64(1 << 63)},
		{"i64", int64(-1 << 40)}, {"f64", 2.25}, {"empty", ""},
		{"u8s", []uint8{1, 2}}, {"i8s", []int8{-1}}, {"u16s", []uint16{7}}, {"i16s", []int16{-7}}, {"u32s", []uint32{1, 2, 3}},
		{"i32s", []int32{-1, 5}}, {"f32s", []float32{0.5, 1}}, {"bools", []bool{true, false}}, {"strs", []string{"a", "", "ccc"}},
		{"u64s", []uint64{9}}, {"i64s", []int64{-9}}, {"f64s", []float64{0.1}}, {"none", []string{}},
		{"nested", Array{[]uint8{1}, Array{[]string{"x"}}, Array{}}},
	}
	tensors := []TensorInfo{
		{Name: "token_embd.weight", Type: TypeQ4_K, Shape: []int64{256, 3}},
		{Name: "scalar", Type: TypeF32, Shape: []int64{}},
		{Name: "nothing", Type: TypeF16, Shape: []int64{0, 5}},
		{Name: "cube", Type: TypeI8, Shape: []int64{3, 1, 5, 1}},
	}
	return kvs, tensors
}

// payload is what the tests write into a tensor.
func payload(t TensorInfo) []byte {
	b := make([]byte, t.Size())
	for i := range b {
		b[i] = byte(i) ^ t.Name[0]
	}
	return b
}

// build writes a file as a stream.
func build(t testing.TB, kvs KVs, tensors []TensorInfo) []byte {
	t.Helper()
	plan, err := NewPlan(kvs, tensors)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := NewWriter(&b, plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range plan.Tensors {
		if err := w.WriteTensor(info.Name, bytes.NewReader(payload(info))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
