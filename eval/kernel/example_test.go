package kernel_test

import (
	"fmt"

	"github.com/f190792d/mq/eval/kernel"
)

// The log of a softmax's denominator, without overflow.
func ExampleExp() {
	row := []float32{1000, 1000, 1000, 1000}
	sum := kernel.Exp(make([]float32, len(row)), row, kernel.Max(row))
	fmt.Println(sum)
	// Output: 4
}
