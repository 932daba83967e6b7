package quantize

import (
	"bytes"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize/block"
)

func TestTableHasEveryTypeOfAFile(t *testing.T) {
	var ids []gguf.Type
	for _, typ := range types {
		ids = append(ids, typ.ID)
	}
	for i, id := range ids {
		if i > 0 && ids[i-1] >= id {
			t.Errorf("%s comes after %s", id, ids[i-1])
		}
	}
	// These two hold activations during a product and are never stored.
	intermediate := map[gguf.Type]bool{gguf.TypeQ8_1: true, gguf.TypeQ8_K: true}
	for _, id := range gguf.Types() {
		if _, ok := ByID(id); ok == intermediate[id] {
			t.Errorf("%s in the table: %v", id, ok)
		}
	}
}

func TestUnknownTypesAreNotFound(t *testing.T) {
	if typ, ok := ByName("Q9_K"); ok {
		t.Errorf("Q9_K is found as %s", typ.Name)
	}
	if typ, ok := ByID(gguf.TypeQ8_K); ok {
		t.Errorf("Q8_K is found as %s", typ.Name)
	}
}

// FuzzAnyBytes reads arbitrary bytes as every type, and quantizes them as
// float32 to every type, infinities and NaNs included.
func FuzzAnyBytes(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x00}, 1024))
	f.Add(bytes.Repeat([]byte{0xff}, 1024))
	f.Add(bytes.Repeat([]byte{0x00, 0x00, 0x80, 0x7f, 0x01, 0x00, 0x80, 0xff}, 128)) // infinity and NaN
	f.Add(bytes.Repeat([]byte{0xff, 0xff, 0x7f, 0x7f, 0xff, 0xff, 0x7f, 0xff}, 128)) // the largest numbers
	f.Add(bytes.Repeat([]byte{0x01, 0x00, 0x00, 0x00, 0x00, 0x7c, 0x00, 0x3c}, 128))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := make([]float32, len(data)/4)
		block.DequantizeF32(x, data)
		for _, typ := range types {
			typ.Dequantize(make([]float32, len(data)/typ.Bytes*typ.Block), data)
			row := x[:len(x)/typ.Block*typ.Block]
			dst := make([]byte, len(row)/typ.Block*typ.Bytes)
			typ.Quantize(dst, row, makeWeights(len(row), 0))
			if !typ.NeedsWeights {
				typ.Quantize(dst, row, nil)
			}
		}
	})
}
