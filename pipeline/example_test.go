package pipeline_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/quantize"
)

// A checkpoint becomes a quantized file that is checked against it.
func Example() {
	ctx := context.Background()
	ckpt, _ := hf.Open(ctx, "../testdata/stories-llama")
	defer ckpt.Close()
	q4, _ := quantize.ParseRecipe("Q4_K_M")
	job, err := pipeline.FromCheckpoint(ctx, ckpt, pipeline.Options{
		Recipes: []quantize.Recipe{q4}, Out: filepath.Join(os.TempDir(), "{type}.gguf"), Force: true, Verify: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	report, err := job.Run(ctx)
	fmt.Println(report)
	fmt.Println(err)
	// Output:
	// Q4_K_M.gguf: Q4_K_M, 39 tensors, 2289888 bytes, 4.92 bits per weight, agrees with the source: top-1 90.6 % of 192 tokens, KL divergence mean 0.01131, max 0.17518
	// <nil>
}

// ExampleFromGGUF quantizes a GGUF file to two types from one read.
func ExampleFromGGUF() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := convert(ctx, dir)
	defer file.Close()

	q8, _ := quantize.ParseRecipe("Q8_0")
	q5, _ := quantize.ParseRecipe("Q5_K_M")
	job, err := pipeline.FromGGUF(ctx, file, pipeline.Options{
		Recipes: []quantize.Recipe{q8, q5}, Out: filepath.Join(dir, "stories-{type}.gguf"),
	})
	if err != nil {
		log.Fatal(err)
	}
	report, err := job.Run(ctx)
	fmt.Println(report)
	fmt.Println(err)
	// Output:
	// stories-Q8_0.gguf: Q8_0, 39 tensors, 3939040 bytes, 8.51 bits per weight
	// stories-Q5_K_M.gguf: Q5_K_M, 39 tensors, 2658528 bytes, 5.73 bits per weight
	// <nil>
}

// The perplexity of a converted model on a text.
func Example_perplexity() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := convert(ctx, dir)
	defer file.Close()

	model, err := forward.FromGGUF(ctx, file, forward.Options{})
	if err != nil {
		log.Fatal(err)
	}
	words, err := model.Tokenizer()
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := words.Encode(ctx, eval.PromptText, tokenizer.Options{AddSpecial: true})
	if err != nil {
		log.Fatal(err)
	}
	result, err := eval.MeasurePerplexity(ctx, model, tokens, eval.Chunking{Context: 64}, nil)
	fmt.Printf("%.1f over %d tokens, error %v\n", result.Value, result.Tokens, err)
	// Output:
	// 740.7 over 124 tokens, error <nil>
}

// convert converts the test model in its own precision.
func convert(ctx context.Context, dir string) *gguf.File {
	ckpt, err := hf.Open(ctx, "../testdata/stories-llama")
	if err != nil {
		log.Fatal(err)
	}
	defer ckpt.Close()
	path := filepath.Join(dir, "stories.gguf")
	job, err := pipeline.FromCheckpoint(ctx, ckpt, pipeline.Options{Out: path})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := job.Run(ctx); err != nil {
		log.Fatal(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	return file
}
