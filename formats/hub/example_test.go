package hub_test

import (
	"fmt"

	"github.com/f190792d/mq/formats/hub"
)

// A name of a repository is what people paste: a name, a link or a page.
func ExampleParse() {
	for _, s := range []string{"Qwen/Qwen3-8B", "https://huggingface.co/Qwen/Qwen3-8B/tree/main", "./Qwen3-8B"} {
		name, ok := hub.Parse(s, "")
		fmt.Println(name, ok)
	}
	// Output:
	// Qwen/Qwen3-8B true
	// Qwen/Qwen3-8B@main true
	// / false
}
