package convert_test

import (
	"context"
	"fmt"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/hf"
)

func ExampleNewPlan() {
	ckpt, err := hf.Open(context.Background(), "../testdata/stories-llama")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ckpt.Close()
	plan, err := convert.NewPlan(context.Background(), ckpt, convert.Options{Type: convert.Auto})
	if err != nil {
		fmt.Println(err)
		return
	}
	first := plan.Streams[0]
	fmt.Println(plan.Arch.Name, plan.Type, len(plan.Streams))
	fmt.Println(first.Name, first.Type, first.Shape, plan.Sources[0])
	// Output:
	// llama bf16 39
	// token_embd.weight BF16 [256 1024] [model.embed_tokens.weight]
}
