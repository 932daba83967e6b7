package arch

import "slices"

// ernie45 serves ERNIE 4.5: Llama's decoder whose rotation pairs neighbours in
// checkpoint and file alike.
var ernie45 = Arch{
	Name:       "ernie4_5",
	Classes:    []string{"Ernie4_5ForCausalLM", "Ernie4_5_ForCausalLM"},
	Vocabulary: Vocabulary{StatedPrefix: true},
	Strip:      []string{"ernie."},
	Only:       ernieOnly,
	Defaults:   map[string]Defaults{"": {Keys: ernieKeys.and(Keys{"num_key_value_heads": 2, "head_dim": 128}), StatesHead: true}},
	Tensors:    slices.Concat(trunk, attention(unmoved), mlp("mlp", "", ff)),
	Ignore:     []string{inverseFrequencies},
	Source:     Convention{Rope: RopeInterleaved},
	File:       Convention{Rope: RopeInterleaved},
}

// ernie45moe has experts in the layers from some layer on, chosen by softmax
// with a correction. Its prediction layers are dropped.
var ernie45moe = Arch{
	Name:       "ernie4_5-moe",
	Late:       "expert_",
	Classes:    []string{"Ernie4_5_MoeForCausalLM"},
	Vocabulary: ernie45.Vocabulary,
	Strip:      ernie45.Strip,
	Only:       ernieOnly,
	Defaults: map[string]Defaults{"": {Keys: ernieKeys.and(Keys{
		"num_key_value_heads": 4, "moe_num_experts": 64, "moe_k": 6, "moe_intermediate_size": 1536, "moe_num_shared_experts": 2,
		"moe_layer_start_index": 1, "moe_layer_end_index": -1, "moe_layer_interval": 1,
	})}},
	Params: []Param{
		u32("expert_count", experts),
		u32("expert_used_count", func(h Hyper, _ int) int { return h.MoE.Used }),
		u32("interleave_moe_layer_step", func(h Hyper, _ int) int { return h.MoE.Step }),
		always("leading_dense_block_count", func(h Hyper, _ int) int { return h.MoE.LeadingDense }),
		u32("expert_feed_forward_length", expertFF),
		always("expert_shared_count", func(h Hyper, _ int) int { return h.MoE.Shared }),
		u32("expert_shared_feed_forward_length", sharedFF),
	},
	Tensors: slices.Concat(trunk, attention(unmoved),
		in(dense, mlp("mlp", "", ff)),
		in(sparse, router("mlp.gate"), append(perExpert[1:3:3], perExpert[0]), fusedExperts, optional([]Tensor{
			{Source: "model.layers.{i}.mlp.moe_statics.e_score_correction_bias", Target: "blk.{i}.exp_probs_b.bias", Shape: []Dim{one, experts}, F32: true},
		})),
		in(shares, mlp("mlp.shared_experts", "_shexp", sharedFF)),
	),
	Ignore: []string{inverseFrequencies, "model.mtp_*"},
	Graph:  Graph{Router: Router{Score: SoftmaxScore, Normalize: true}},
	Source: ernie45.Source,
	File:   ernie45.File,
	Views:  fusedViews,

	sizes: func(c *reader, h *Hyper) {
		m := &h.MoE
		m.Experts, m.Used, m.Shared = c.int("moe_num_experts"), c.int("moe_k"), c.int("moe_num_shared_experts")
		m.SharedFF = m.Shared * m.FF
		m.LeadingDense, m.Step, m.Normalize = c.int("moe_layer_start_index"), c.int("moe_layer_interval"), true
		if last := int(c.float("moe_layer_end_index")); last >= 0 {
			for layer := last + 1; layer < h.Layers; layer++ {
				m.DenseOnly = append(m.DenseOnly, layer)
			}
		}
	},
}

// shares selects the layers with experts beside one for every position.
func shares(h Hyper, layer int) bool { return h.MoE.In(layer) && h.MoE.SharedFF > 0 }

var (
	ernieKeys = Keys{"max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 5e5, "tie_word_embeddings": true}
	ernieOnly = Keys{"use_bias": false}
)
