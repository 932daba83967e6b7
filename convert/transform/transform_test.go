package transform

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// memory is a tensor of float32 held in memory.
func memory(columns int64, x ...float32) Rows {
	data := make([]byte, 4*len(x))
	(&values{x}).store(data)
	return Rows{DType: dtype.F32, Columns: columns, Count: int64(len(x)) / columns, Read: func(_ context.Context, p []byte, off int64) error {
		copy(p, data[off:off+int64(len(p))])
		return nil
	}}
}

// counting is a tensor of the numbers 0, 1, 2 …
func counting(rows, columns int64) Rows {
	x := make([]float32, rows*columns)
	for i := range x {
		x[i] = float32(i)
	}
	return memory(columns, x...)
}

// all reads everything, in pieces of random length.
func all(t *testing.T, r Rows) []float32 {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, r.Elements()*4)
	for off := int64(0); off < int64(len(data)); {
		n := min(4*(1+random.Int64N(2*r.Columns+3)), int64(len(data))-off)
		if err := r.Read(t.Context(), data[off:off+n], off); err != nil {
			t.Fatal(err)
		}
		off += n
	}
	x := make([]float32, r.Elements())
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x
}

func want(t *testing.T, r Rows, x ...float32) {
	t.Helper()
	if d := cmp.Diff(x, all(t, r)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRopePermuteInterleavesHalves(t *testing.T) {
	want(t, RopePermute(counting(8, 1), 2), 0, 2, 1, 3, 4, 6, 5, 7)
	want(t, RopePermute(counting(4, 2), 1), 0, 1, 4, 5, 2, 3, 6, 7)
}

func TestRopePermuteOfLargeTensorsReadsRowByRow(t *testing.T) {
	const rows, columns = 96, 300 // more than is read at once
	got := all(t, RopePermute(counting(rows, columns), 3))
	for row := range rows {
		from := row/32*32 + row%32%2*16 + row%32/2
		for c := range columns {
			if got[row*columns+c] != float32(from*columns+c) {
				t.Fatalf("row %d is not row %d of the source", row, from)
			}
		}
	}
}

func TestRopePermuteOfLargeTensorsReadsAnyRange(t *testing.T) {
	const rows, columns = 96, 300
	r := RopePermute(counting(rows, columns), 3)
	whole := make([]byte, rows*r.RowBytes())
	if err := r.Read(t.Context(), whole, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]int64{{0, 4}, {4, 2404}, {1200, 1200}, {1200, 3600}, {2400, 7200}, {37 * 1200, 31 * 1200}, {36000, 4804}, {38396, 8}} {
		p := make([]byte, c[1])
		if err := r.Read(t.Context(), p, c[0]); err != nil || !bytes.Equal(p, whole[c[0]:c[0]+c[1]]) {
			t.Errorf("%d bytes at %d: %v", c[1], c[0], err)
		}
	}
}

// A fault names its row however many rows are read at once, and the first one
// counts.
func TestStreamNamesTheFirstRowWithAFault(t *testing.T) {
	const columns = 64
	x := make([]float64, 40*columns)
	r := Rows{DType: dtype.F64, Columns: columns, Count: 40, Read: func(_ context.Context, p []byte, off int64) error {
		for i := range p[:len(p)/8] {
			binary.LittleEndian.PutUint64(p[8*i:], math.Float64bits(x[off/8+int64(i)]))
		}
		return nil
	}}
	s := Stream(gguf.TensorInfo{Name: "x", Type: gguf.TypeF16, Shape: []int64{columns, 40}}, r, nil)
	x[30*columns+5] = 1e300
	for _, says := range []string{"row 30, column 5: 1e+300", "row 20, column 7: 65520"} {
		if err := s.ReadRows(t.Context(), make([]byte, 38*s.RowBytes()), 2); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
		x[20*columns+7] = 65520
	}
}

func TestPartKeepsRowsOfEveryMatrix(t *testing.T) {
	want(t, Part(counting(6, 2), 3, 1, 2), 2, 3, 4, 5, 8, 9, 10, 11)
}

func TestAlternateKeepsEveryOther(t *testing.T) {
	want(t, Alternate(counting(6, 2), 1, 2), 2, 3, 6, 7, 10, 11)
	want(t, Alternate(counting(6, 1), 2, 3), 2, 5)
	want(t, AlternateColumns(counting(2, 6), 0, 2), 0, 2, 4, 6, 8, 10)
	want(t, AlternateColumns(counting(2, 6), 1, 3), 1, 4, 7, 10)
}

func TestJoinConcatenatesPartsOfAnyLength(t *testing.T) {
	want(t, Join(memory(2, 1, 2), memory(2, 3, 4, 5, 6), memory(2, 7, 8)), 1, 2, 3, 4, 5, 6, 7, 8)
}

func TestStackConcatenates(t *testing.T) {
	want(t, Stack(memory(2, 1, 2), memory(2, 3, 4), memory(2, 5, 6)), 1, 2, 3, 4, 5, 6)
}

func TestTransposeTurnsEveryMatrix(t *testing.T) {
	want(t, Transpose(counting(4, 3), 2), 0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11)
}

func TestTransposeMovesElementsOfEverySize(t *testing.T) {
	for size, kind := range map[int]dtype.DType{1: dtype.U8, 2: dtype.U16, 4: dtype.U32, 8: dtype.U64} {
		const rows, columns = 5, 3
		data := make([]byte, rows*columns*size)
		for i := range data {
			data[i] = byte(i)
		}
		turned := Transpose(Rows{DType: kind, Columns: columns, Count: rows, Read: func(_ context.Context, p []byte, off int64) error {
			copy(p, data[off:])
			return nil
		}}, rows)
		for length := 1; length <= rows*columns; length++ { // pieces that start and end within columns
			for first := 0; first+length <= rows*columns; first++ {
				p := make([]byte, length*size)
				if err := turned.Read(t.Context(), p, int64(first*size)); err != nil {
					t.Fatal(err)
				}
				for i := range p {
					element := first + i/size
					want := data[(element%rows*columns+element/rows)*size+i%size]
					if p[i] != want {
						t.Fatalf("%d bytes: element %d of the result is wrong", size, element)
					}
				}
			}
		}
	}
}

func TestScaleCropsBlocksAtTheEdges(t *testing.T) {
	ones := Map(counting(3, 5), func(float32) float32 { return 1 })
	want(t, Scale(ones, memory(3, 2, 3, 4, 5, 6, 7), 3, 2, 2),
		2, 2, 3, 3, 4,
		2, 2, 3, 3, 4,
		5, 5, 6, 6, 7)
	want(t, Scale(Map(counting(4, 2), func(float32) float32 { return 1 }), memory(1, 2, 3), 2, 2, 2), 2, 2, 2, 2, 3, 3, 3, 3)
}

func TestMapRoundsToTheSourcesPrecision(t *testing.T) {
	half := Rows{DType: dtype.F16, Columns: 1, Count: 1, Read: func(_ context.Context, p []byte, _ int64) error {
		binary.LittleEndian.PutUint16(p, dtype.F32ToF16(0.1))
		return nil
	}}
	want(t, Map(half, func(x float32) float32 { return x + 1 }), dtype.F16ToF32(dtype.F32ToF16(1.1)))
}

func TestShapesThatDoNotFitFailWhenRead(t *testing.T) {
	for name, r := range map[string]Rows{
		"permute of odd heads":   RopePermute(counting(6, 1), 2),
		"part beyond a matrix":   Part(counting(6, 1), 3, 2, 2),
		"stack of unequal parts": Stack(counting(2, 2), counting(2, 3)),
		"join of unequal rows":   Join(counting(2, 2), counting(2, 3)),
		"transpose of a ragged":  Transpose(counting(5, 1), 2),
		"too few scales":         Scale(counting(4, 4), memory(1, 1), 4, 2, 2),
		"reshape":                Reshape(counting(3, 3), 2),
		"every other of five":    Alternate(counting(5, 1), 0, 2),
		"columns in turn":        AlternateColumns(counting(2, 3), 0, 2),
	} {
		if r.Read(t.Context(), make([]byte, 4), 0) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestStreamEncodesEveryPlainType(t *testing.T) {
	x := []float32{1, -2, 0.5, 3.140625, 65504, 1e-3}
	for _, kind := range []gguf.Type{gguf.TypeF32, gguf.TypeF16, gguf.TypeBF16} {
		s := Stream(gguf.TensorInfo{Name: "x", Type: kind, Shape: []int64{3, 2}}, memory(3, x...), nil)
		data := make([]byte, 2*s.RowBytes())
		for row := range int64(2) {
			if err := s.ReadRows(t.Context(), data[row*s.RowBytes():][:s.RowBytes()], row); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]float32, 6)
		if err := dtype.ToFloat32(got, data, plain[kind]); err != nil {
			t.Fatal(err)
		}
		for i := range x {
			if math.Abs(float64(got[i]-x[i])) > 0.01*math.Abs(float64(x[i])) {
				t.Errorf("%v: %v became %v", kind, x[i], got[i])
			}
		}
	}
	quantized := Stream(gguf.TensorInfo{Name: "x", Type: gguf.TypeQ8_0, Shape: []int64{32}}, counting(1, 32), nil)
	if quantized.ReadRows(t.Context(), make([]byte, 34), 0) == nil {
		t.Error("a block type without an encoder gave no error")
	}
}
