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
	fmt.Println(errors.Is(err, fault.ErrCorrupt), errors.Is(err, fault.ErrInvalid))
	// Output:
	// safetensors: model.safetensors: the file is truncated
	// true false
}

// A program reads what an error is about from its fields.
func ExampleError() {
	err := fault.Op("gguf").File("m.gguf").Tensor("output.weight").Corrupt("the file ends within the data")
	fmt.Println(err)

	var e *fault.Error
	if errors.As(err, &e) {
		fmt.Println(e.File, e.Tensor)
		fmt.Println(e.Rule)
	}
	// Output:
	// gguf: m.gguf: tensor "output.weight": the file ends within the data
	// m.gguf output.weight
	// the file ends within the data
}
