package tokenizer_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/f190792d/mq/formats/tokenizer"
)

func Example() {
	file, err := os.ReadFile("../../testdata/stories-llama/tokenizer.json")
	if err != nil {
		log.Fatal(err)
	}
	tok, err := tokenizer.FromJSON(file, nil)
	if err != nil {
		log.Fatal(err)
	}
	ids, err := tok.Encode(context.Background(), "Once upon a time<|end_of_text|>", tokenizer.Options{AddSpecial: true, ParseSpecial: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(ids), "tokens")
	for _, id := range ids {
		fmt.Printf("%q ", tok.TokenBytes(id))
	}
	// Output:
	// 6 tokens
	// "<|begin_of_text|>" "Once" " upon" " a" " time" "<|end_of_text|>"
}
