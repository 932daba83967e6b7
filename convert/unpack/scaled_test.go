package unpack

import (
	"bytes"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
)

// TestBlocksAsManyAsRowsAreBlocks scales a matrix of 4 × 8 ones in blocks of
// 2 × 4: the four scales are no scales of rows. (The output projection of
// DeepSeek V3, 7168 × 16384, has 7168 blocks.)
func TestBlocksAsManyAsRowsAreBlocks(t *testing.T) {
	table := []float32{1, 2, 3, 4}
	for name, test := range map[string]struct {
		scales []int64 // their shape
		want   func(row, column int) float32
	}{
		"blocks":           {[]int64{2, 2}, func(row, column int) float32 { return table[row/2*2+column/4] }},
		"rows":             {[]int64{4, 1}, func(row, _ int) float32 { return table[row] }},
		"rows in a vector": {[]int64{4}, func(row, _ int) float32 { return table[row] }},
	} {
		c, err := Open(t.Context(), checkpoint(t, `{"quantization_config": {"quant_method": "fp8", "weight_block_size": [2, 4]}}`,
			tensor("a.weight", dtype.F8E4M3, bytes.Repeat([]byte{0x38}, 32), 4, 8),
			tensor("a.weight_scale_inv", dtype.F32, f32s(table...), test.scales...)))
		if err != nil {
			t.Fatal(name, err)
		}
		for i, got := range values(t, c.find(t, "a.weight")) {
			if want := test.want(i/8, i%8); got != want {
				t.Fatalf("%s: row %d, column %d: %v, want %v", name, i/8, i%8, got, want)
			}
		}
	}
}
