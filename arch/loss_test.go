package arch

import (
	"strings"
	"testing"
)

func TestWarnsOfWhatLlamaCPPDoesOtherwise(t *testing.T) {
	const (
		latent = `"kv_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 4, "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2`
		delta  = `"num_experts": 4, "num_experts_per_tok": 2, "linear_num_key_heads": 2, "linear_num_value_heads": 2`
	)
	for _, test := range []struct{ class, keys, word string }{
		{"DeepseekV3ForCausalLM", latent + `, "q_lora_rank": 8, "rope_scaling": {"type": "linear", "factor": 4}`, "rope_scaling"},
		{"DeepseekV3ForCausalLM", latent + `, "q_lora_rank": null`, "q_lora_rank"},
		{"Qwen2ForCausalLM", `"head_dim": 8`, "head_dim"},
		{"Qwen3NextForCausalLM", delta + `, "linear_key_head_dim": 8, "linear_value_head_dim": 16`, "linear_value_head_dim"},
		{"Qwen3MoeForCausalLM", `"num_experts": 4, "num_experts_per_tok": 2`, "norm_topk_prob"},
		{"MistralForCausalLM", `"sliding_window": 64`, "sliding_window"},
		{"GPTNeoXForCausalLM", `"hidden_act": "gelu_fast"`, "approximation"},
		{"Starcoder2ForCausalLM", `"hidden_act": "gelu"`, "itself"},
		{"LlamaForCausalLM", `"rope_scaling": {"type": "dynamic", "factor": 4}`, "dynamic"},
	} {
		config := parse(t, `{"architectures": ["`+test.class+`"], `+small+`, `+test.keys+`}`)
		h, err := FromConfig(config)
		if err != nil {
			t.Fatal(test, err)
		}
		var texts []string
		for _, loss := range Losses(config, h) {
			texts = append(texts, loss.Text)
		}
		if !strings.Contains(strings.Join(texts, " "), test.word) {
			t.Errorf("%s with %s: warnings %q", test.class, test.keys, texts)
		}
	}
}
