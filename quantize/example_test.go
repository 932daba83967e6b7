package quantize_test

import (
	"context"
	"fmt"
	"io"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// discard is a file that is thrown away.
type discard struct{}

func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

func Example() {
	kvs := gguf.KVs{
		{Key: "general.architecture", Value: "llama"},
		{Key: "llama.block_count", Value: uint32(1)},
	}
	sources := []gguf.Stream{
		{TensorInfo: gguf.TensorInfo{Name: "token_embd.weight", Type: gguf.TypeBF16, Shape: []int64{256, 64}}},
		{TensorInfo: gguf.TensorInfo{Name: "blk.0.attn_norm.weight", Type: gguf.TypeF32, Shape: []int64{256}}},
		{TensorInfo: gguf.TensorInfo{Name: "blk.0.attn_v.weight", Type: gguf.TypeBF16, Shape: []int64{256, 32}}},
		{TensorInfo: gguf.TensorInfo{Name: "blk.0.ffn_up.weight", Type: gguf.TypeBF16, Shape: []int64{96, 32}}},
	}
	var infos []gguf.TensorInfo
	for i := range sources { // all zeros; a file has (*gguf.File).Stream
		sources[i].ReadRows = func(_ context.Context, dst []byte, _ int64) error { clear(dst); return nil }
		infos = append(infos, sources[i].TensorInfo)
	}

	recipe, err := quantize.ParseRecipe("q4_k_m")
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := quantize.NewPlan(kvs, infos, quantize.Options{Recipe: recipe})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range plan.Tensors {
		fmt.Println(c.Info.Name, c.From, "->", c.Info.Type, "fallback", c.Fallback())
	}
	out := quantize.Output{Plan: plan, Files: []io.WriterAt{discard{}}}
	fmt.Println(quantize.Run(context.Background(), sources, []quantize.Output{out}, quantize.RunOptions{}))
	fmt.Println(plan.Summary.FileBytes, "bytes")

	// Output:
	// token_embd.weight BF16 -> Q6_K fallback false
	// blk.0.attn_norm.weight F32 -> F32 fallback false
	// blk.0.attn_v.weight BF16 -> Q6_K fallback false
	// blk.0.ffn_up.weight BF16 -> Q5_0 fallback true
	// <nil>
	// 23712 bytes
}
