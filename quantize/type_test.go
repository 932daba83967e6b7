package quantize

import (
	"bytes"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize/block"
)

func TestTableHasEveryTypeOfAFile(t *testing.T) {
	var ids []gguf.Type
	for _, typ := range Types {
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

func TestTypesAreFoundByNameInAnyCase(t *testing.T) {
	for _, typ := range Types {
		for _, name := range []string{typ.Name, strings.ToLower(typ.Name)} {
			if got, ok := ByName(name); !ok || got.ID != typ.ID {
				t.Errorf("%s is found as %q, %v", name, got.Name, ok)
			}
		}
	}
	if typ, ok := ByName("Q9_K"); ok {
		t.Errorf("Q9_K is found as %s", typ.Name)
	}
	if typ, ok := ByID(gguf.TypeQ8_K); ok {
		t.Errorf("Q8_K is found as %s", typ.Name)
	}
}

// TestRowsFillTheirBytes holds the sizes of the table: every byte of a row
// is written, and none after it.
func TestRowsFillTheirBytes(t *testing.T) {
	for _, typ := range Types {
		columns := 3 * typ.Block
		x, weights := makeRow(0, columns, 0), makeWeights(columns, 0)
		size, guard := 3*typ.Bytes, 16
		var filled [2][]byte
		for i, fill := range []byte{0x5a, 0xa5} {
			filled[i] = bytes.Repeat([]byte{fill}, size+guard)
			typ.Quantize(filled[i][:size:size], x, weights)
		}
		if !bytes.Equal(filled[0][:size], filled[1][:size]) {
			t.Errorf("%s leaves bytes of a row unwritten", typ.Name)
		}
		for i, fill := range []byte{0x5a, 0xa5} {
			if !bytes.Equal(filled[i][size:], bytes.Repeat([]byte{fill}, guard)) {
				t.Errorf("%s writes past its row", typ.Name)
			}
		}
		if want, ok := typ.ID.RowBytes(int64(columns)); !ok || want != int64(size) {
			t.Errorf("%s: a row has %d bytes, the file format says %d", typ.Name, size, want)
		}
	}
}

func TestQuantizingDoesNotAllocate(t *testing.T) {
	x, weights := makeRow(0, 512, 0), makeWeights(512, 0)
	for _, typ := range Types {
		dst := make([]byte, 512/typ.Block*typ.Bytes)
		y := make([]float32, 512)
		if n := testing.AllocsPerRun(5, func() {
			typ.Quantize(dst, x, weights)
			typ.Dequantize(y, dst)
		}); n > 0 {
			t.Errorf("%s allocates %v times a row", typ.Name, n)
		}
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
		for _, typ := range Types {
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
