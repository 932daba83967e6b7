package safetensors_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/safetensors"
)

func Example() {
	var file bytes.Buffer
	err := safetensors.Write(&file, []safetensors.Named{
		{Name: "norm.weight", DType: dtype.BF16, Shape: []int64{2}, Data: []byte{0x80, 0x3f, 0x20, 0xc0}},
	}, map[string]string{"format": "pt"})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := safetensors.New(bytes.NewReader(file.Bytes()), int64(file.Len()), "model.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	for _, t := range f.Tensors() {
		raw := make([]byte, t.Size)
		if _, err := f.ReadAt(context.Background(), raw, t.Offset); err != nil {
			fmt.Println(err)
		}
		row := make([]float32, 2)
		if err := dtype.ToFloat32(row, raw, t.DType); err != nil {
			fmt.Println(err)
		}
		fmt.Println(t.Name, t.DType, t.Shape, row)
	}
	// Output: norm.weight BF16 [2] [1 -2.5]
}
