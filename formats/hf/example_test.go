package hf_test

import (
	"context"
	"fmt"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

func ExampleOpen() {
	c, err := hf.Open(context.Background(), "../../testdata/stories-llama")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	layers, err := c.Config().Int("num_hidden_layers")
	fmt.Println(c.Name(), layers, "layers", err)
	norm, _ := c.Lookup("model.norm.weight")
	raw := make([]byte, norm.Size)
	if _, err := norm.ReadAt(context.Background(), raw, 0); err != nil {
		fmt.Println(err)
	}
	row := make([]float32, norm.Shape[0])
	if err := dtype.ToFloat32(row, raw, norm.DType); err != nil {
		fmt.Println(err)
	}
	fmt.Println(norm.DType, norm.Shape, len(row), norm.File)
	// Output:
	// stories-llama 4 layers <nil>
	// BF16 [256] 256 model-00002-of-00002.safetensors
}
