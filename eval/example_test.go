package eval_test

import (
	"context"
	"fmt"
	"log"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/tokenizer"
)

func ExampleMeasurePerplexity() {
	m, err := forward.Open(context.Background(), "../testdata/stories-llama", forward.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	tok, err := m.Tokenizer()
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, err := tok.Encode(context.Background(), eval.PromptText, tokenizer.Options{AddSpecial: true})
	if err != nil {
		log.Fatal(err)
	}
	bos, _ := tok.Special("bos")
	c := eval.Chunking{Context: 64, BOS: bos, AddBOS: tok.AddsBOS()}
	p, err := eval.MeasurePerplexity(context.Background(), m, tokens, c, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Chunks, "chunks,", p.Tokens, "tokens scored")
	// Output: 4 chunks, 124 tokens scored
}
