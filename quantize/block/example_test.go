package block_test

import (
	"fmt"

	"github.com/f190792d/mq/quantize/block"
)

func Example() {
	row := make([]float32, 256)
	for i := range row {
		row[i] = float32(i%32) - 16
	}
	weights := make([]float32, len(row)) // how much each column matters
	for i := range weights {
		weights[i] = 1
	}
	packed := make([]byte, 144)
	block.QuantizeQ4_K(packed, row, weights)
	block.DequantizeQ4_K(row, packed)
	fmt.Printf("%.1f %.1f %.1f\n", row[0], row[16], row[31])
	// Output:
	// -15.5 0.5 14.5
}
