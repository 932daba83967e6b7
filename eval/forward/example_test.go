package forward_test

import (
	"context"
	"fmt"
	"log"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/tokenizer"
)

func ExampleOpen() {
	ctx := context.Background()
	m, err := forward.Open(ctx, "../../testdata/stories-llama", forward.Options{})
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
	tokens, err := tok.Encode(context.Background(), "Once upon a", tokenizer.Options{AddSpecial: true})
	if err != nil {
		log.Fatal(err)
	}
	logits, err := m.Logits(ctx, tokens, len(tokens)-1)
	if err != nil {
		fmt.Println(err)
		return
	}
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	fmt.Printf("%q\n", tok.Decode([]int32{int32(best)}))
	// Output: " time"
}
