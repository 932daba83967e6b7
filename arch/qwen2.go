package arch

import (
	"fmt"
	"slices"
)

// qwen2 serves Qwen 1.5, 2 and 2.5: biases on query, key and value, and
// rotated dimensions paired by halves in checkpoint and file alike.
var qwen2 = Arch{
	Name:     "qwen2",
	Classes:  []string{"Qwen2ForCausalLM", "Qwen2Model"},
	Defaults: map[string]Defaults{"": {Keys: qwen2Keys, windows: fromLayer}},
	Tensors:  slices.Concat(trunk, attention(unmoved), attentionBias(unmoved), mlp("mlp", "", ff)),
	Ignore:   []string{inverseFrequencies},
	Params:   []Param{poolingType},
	Source:   Convention{Rope: RopeHalf},
	File:     Convention{Rope: RopeHalf},
	losses:   []lossRule{wideHeads},
}

// qwen2moe serves Qwen 1.5 MoE and Qwen 2 57B-A14B: routed experts beside one
// shared expert with a gate of its own.
var qwen2moe = Arch{
	Name:    "qwen2moe",
	Classes: []string{"Qwen2MoeForCausalLM"},
	Defaults: map[string]Defaults{"": {Keys: qwen2Keys.and(Keys{
		"num_key_value_heads": 16, "moe_intermediate_size": 1408, "num_experts": 60, "num_experts_per_tok": 4, "shared_expert_intermediate_size": 5632,
		"norm_topk_prob": false,
	}), windows: evenLayers}},
	Params: qwenMoEParams,
	Tensors: slices.Concat(trunk, attention(unmoved), attentionBias(unmoved),
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), perExpert, fusedExperts, mlp("mlp.shared_expert", "_shexp", sharedFF), sharedExpertGate),
	),
	Ignore: []string{inverseFrequencies},
	Graph:  Graph{Router: Router{Score: SoftmaxScore}, Layer: decoder(gatedShared)},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeHalf},
	losses: []lossRule{wideHeads},
	Views:  fusedViews,
}

var qwen2Keys = Keys{
	"max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1e4, "num_key_value_heads": 32,
	"use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28,
}

var qwenMoEParams = []Param{
	u32("expert_feed_forward_length", func(h Hyper, _ int) int {
		if !h.MoE.StatesFF {
			return 0
		}
		return h.MoE.FF
	}),
	u32("expert_shared_feed_forward_length", sharedFF),
}

// wideHeads says which models llama.cpp does not load.
func wideHeads(_ *reader, a Arch, h Hyper) (l Loss) {
	if h.Heads*h.HeadDim != h.Embed {
		l.Text = fmt.Sprintf("head_dim is %d: llama.cpp expects heads of hidden_size / num_attention_heads = %d in architecture %s, and does not load the file", h.HeadDim, h.Embed/h.Heads, a.Name)
	}
	return l
}
