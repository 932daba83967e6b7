package fault_test

import (
	"errors"
	"fmt"

	"github.com/f190792d/mq/formats/fault"
)

// A parser says what rule is broken; the caller asks for the class.
func ExampleCorrupt() {
	err := fault.Corrupt("safetensors: %s: the file is truncated", "model.safetensors")
	fmt.Println(err)
	fmt.Println(errors.Is(err, fault.ErrCorrupt), errors.Is(err, fault.ErrUsage))
	// Output:
	// safetensors: model.safetensors: the file is truncated
	// true false
}
