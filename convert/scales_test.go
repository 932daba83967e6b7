package convert

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
)

// TestBlocksAsManyAsRowsAreBlocks scales a matrix of 4 × 8 ones in blocks of
// 2 × 4: the four scales are no scales of rows. (The output projection of
// DeepSeek V3, 7168 × 16384, has 7168 blocks.)
func TestBlocksAsManyAsRowsAreBlocks(t *testing.T) {
	ones := transform.Rows{DType: dtype.F8E4M3, Columns: 8, Count: 4, Read: func(_ context.Context, p []byte, _ int64) error {
		for i := range p {
			p[i] = 0x38
		}
		return nil
	}}
	table := []float32{1, 2, 3, 4}
	scales := func(shape ...int64) source {
		return source{shape: shape, rows: transform.Rows{DType: dtype.F32, Columns: shape[len(shape)-1], Count: 4 / shape[len(shape)-1], Read: func(_ context.Context, p []byte, off int64) error {
			for i := 0; i < len(p); i += 4 {
				binary.LittleEndian.PutUint32(p[i:], math.Float32bits(table[(off+int64(i))/4]))
			}
			return nil
		}}}
	}
	weight := source{shape: []int64{4, 8}, rows: ones}
	for name, test := range map[string]struct {
		scales source
		want   func(row, column int) float32
	}{
		"blocks":           {scales(2, 2), func(row, column int) float32 { return table[row/2*2+column/4] }},
		"rows":             {scales(4, 1), func(row, _ int) float32 { return table[row] }},
		"rows in a vector": {scales(4), func(row, _ int) float32 { return table[row] }},
	} {
		p := make([]byte, 4*32)
		if err := scaled(weight, test.scales, []int64{2, 4}).Read(t.Context(), p, 0); err != nil {
			t.Fatal(name, err)
		}
		for i := range 32 {
			if got, want := math.Float32frombits(binary.LittleEndian.Uint32(p[4*i:])), test.want(i/8, i%8); got != want {
				t.Fatalf("%s: row %d, column %d: %v, want %v", name, i/8, i%8, got, want)
			}
		}
	}
}
