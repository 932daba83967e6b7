package gguf

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestTypesAreThoseOfTheFormat(t *testing.T) {
	// Name, id, elements and bytes of a block, as the format's constants say.
	const table = `F32 0 1 4|F16 1 1 2|Q4_0 2 32 18|Q4_1 3 32 20|Q5_0 6 32 22|Q5_1 7 32 24|Q8_0 8 32 34|Q8_1 9 32 36|Q2_K 10 256 84|
Q3_K 11 256 110|Q4_K 12 256 144|Q5_K 13 256 176|Q6_K 14 256 210|Q8_K 15 256 292|IQ2_XXS 16 256 66|IQ2_XS 17 256 74|IQ3_XXS 18 256 98|
IQ1_S 19 256 50|IQ4_NL 20 32 18|IQ3_S 21 256 110|IQ2_S 22 256 82|IQ4_XS 23 256 136|I8 24 1 1|I16 25 1 2|I32 26 1 4|I64 27 1 8|F64 28 1 8|
IQ1_M 29 256 56|BF16 30 1 2|TQ1_0 34 256 54|TQ2_0 35 256 66|MXFP4 39 32 17|NVFP4 40 64 36|Q1_0 41 128 18|Q2_0 42 64 18`
	rows := strings.Split(strings.ReplaceAll(table, "\n", ""), "|")
	if len(Types()) != len(rows) {
		t.Errorf("%d types, want %d", len(Types()), len(rows))
	}
	for i, typ := range Types() {
		got := strings.Join([]string{typ.String(), strconv.Itoa(int(typ)), strconv.Itoa(typ.BlockLen()), strconv.Itoa(typ.BlockBytes())}, " ")
		if got != rows[i] {
			t.Errorf("got %q, want %q", got, rows[i])
		}
		if back, ok := ParseType(strings.ToLower(typ.String())); back != typ || !ok {
			t.Errorf("%s is parsed as %s", typ, back)
		}
	}
	for _, id := range []Type{4, 5, 31, 32, 33, 36, 37, 38} {
		if _, ok := ParseType(id.String()); !id.Removed() || id.Known() || ok {
			t.Errorf("type %s is not removed", id)
		}
	}
	if Type(43).Known() || Type(43).Removed() || Type(math.MaxUint32).Known() {
		t.Error("ids outside the table are known")
	}
}

func TestRowBytesRefusesRaggedAndHugeRows(t *testing.T) {
	for _, c := range []struct {
		typ  Type
		ne0  int64
		want int64
		ok   bool
	}{
		{TypeQ4_K, 512, 288, true},
		{TypeQ4_K, 0, 0, true},
		{TypeQ4_K, 100, 0, false},
		{TypeQ4_K, -256, 0, false},
		{TypeF64, math.MaxInt64, 0, false},
		{99, 32, 0, false},
	} {
		if got, ok := c.typ.RowBytes(c.ne0); got != c.want || ok != c.ok {
			t.Errorf("%s, %d elements: %d, %v", c.typ, c.ne0, got, ok)
		}
	}
	if b := TypeQ4_K.BitsPerWeight(); b != 4.5 {
		t.Errorf("Q4_K has %v bits", b)
	}
}

func TestTensorSizes(t *testing.T) {
	for _, c := range []struct {
		t              TensorInfo
		elements, rows int64
		size           int64
	}{
		{TensorInfo{Type: TypeF32}, 1, 1, 4},
		{TensorInfo{Type: TypeQ8_0, Shape: []int64{64, 3, 2}}, 384, 6, 408},
		{TensorInfo{Type: TypeF32, Shape: []int64{0, math.MaxInt64}}, 0, math.MaxInt64, 0},
		{TensorInfo{Type: TypeF32, Shape: []int64{math.MaxInt64, math.MaxInt64, 0}}, 0, 0, -1},
		{TensorInfo{Type: TypeF32, Shape: []int64{1, 1 << 32, 1 << 32}}, -1, -1, -1},
		{TensorInfo{Type: TypeF32, Shape: []int64{4, -1}}, -1, -1, -1},
	} {
		if e, r, s := c.t.Elements(), c.t.Rows(), c.t.Size(); e != c.elements || r != c.rows || s != c.size {
			t.Errorf("%v: %d elements, %d rows, %d bytes", c.t.Shape, e, r, s)
		}
	}
}
