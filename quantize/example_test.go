package quantize_test

import (
	"fmt"

	"github.com/f190792d/mq/quantize"
)

func ExampleByName() {
	q8, ok := quantize.ByName("q8_0")
	fmt.Println(ok, q8.Block, "values in", q8.Bytes, "bytes")

	row := make([]float32, q8.Block)
	for i := range row {
		row[i] = float32(i) / 31
	}
	packed := make([]byte, len(row)/q8.Block*q8.Bytes)
	q8.Quantize(packed, row, nil)
	q8.Dequantize(row, packed)
	fmt.Printf("%.3f %.3f %.3f\n", row[0], row[1], row[31])
	// Output:
	// true 32 values in 34 bytes
	// 0.000 0.031 1.000
}
