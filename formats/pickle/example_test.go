package pickle_test

import (
	"fmt"
	"os"

	"github.com/f190792d/mq/formats/pickle"
)

func ExampleTensors() {
	f, err := os.Open("testdata/module.bin")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		fmt.Println(err)
		return
	}
	tensors, err := pickle.Tensors(f, info.Size(), info.Name())
	for _, t := range tensors {
		fmt.Println(t.Name, t.DType, t.Shape)
	}
	fmt.Println(err)
	// Output:
	// weight F32 [1 2]
	// bias F32 [1]
	// <nil>
}
