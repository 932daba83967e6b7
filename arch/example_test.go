package arch_test

import (
	"fmt"

	"github.com/f190792d/mq/arch"
)

func Example() {
	a, _ := arch.ByClass("Qwen2ForCausalLM")
	template, layer, _ := arch.Template("model.layers.3.mlp.up_proj.weight")
	for _, t := range a.Tensors {
		if t.Source == template {
			fmt.Println(a.Name, arch.Fill(t.Target, layer, 0))
		}
	}
	// Output: qwen2 blk.3.ffn_up.weight
}
