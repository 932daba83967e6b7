package gguf_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/f190792d/mq/formats/gguf"
)

// A file is planned, written tensor by tensor, and read back.
func Example() {
	kvs := gguf.KVs{
		{Key: "general.architecture", Value: "llama"},
		{Key: "llama.block_count", Value: uint32(2)},
	}
	plan, err := gguf.NewPlan(kvs, []gguf.TensorInfo{
		{Name: "greeting", Type: gguf.TypeI8, Shape: []int64{5}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	w, err := gguf.NewWriter(&file, plan)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := w.WriteTensor("greeting", strings.NewReader("hello")); err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}

	f, err := gguf.New(bytes.NewReader(file.Bytes()), int64(file.Len()), "small.gguf")
	if err != nil {
		fmt.Println(err)
		return
	}
	blocks, _ := f.KVs().Uint("llama.block_count")
	tensor, _ := f.Lookup("greeting")
	data, _ := io.ReadAll(f.Section(context.Background(), tensor))
	fmt.Println(blocks, tensor.Type, tensor.Shape, string(data))
	// Output: 2 I8 [5] hello
}

func ExampleParseType() {
	t, ok := gguf.ParseType("q4_k")
	n, _ := t.RowBytes(4096)
	fmt.Println(t, ok, t.BlockLen(), t.BlockBytes(), n)
	// Output: Q4_K true 256 144 2304
}

func ExampleKVs_SetLast() {
	kvs := gguf.KVs{{Key: "general.file_type", Value: uint32(1)}, {Key: "general.name", Value: "m"}}
	kvs.SetLast("general.file_type", uint32(15))
	for _, kv := range kvs {
		fmt.Println(kv.Key, kv.Value)
	}
	// Output:
	// general.name m
	// general.file_type 15
}
