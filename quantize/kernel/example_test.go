package kernel_test

import (
	"fmt"

	"github.com/f190792d/mq/quantize/kernel"
)

// The scale of a block comes from the value that is farthest from zero.
func ExampleExtreme() {
	fmt.Println(kernel.Extreme([]float32{0.5, -3, 2}))
	// Output: -3
}
