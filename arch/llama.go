package arch

import (
	"math"
	"slices"
)

// llama serves Llama 1, 2, 3, 3.1, 3.2 and 3.3, Mistral 7B to Large, Mixtral, InternLM 3,
// and the many models that share their decoder. The file pairs rotated
// dimensions as Meta's release did, Hugging Face's checkpoints pair them by
// halves: hence the permutation.
var llama = Arch{
	Name:    "llama",
	Scaled:  true,
	Classes: []string{"LlamaForCausalLM", "LLaMAForCausalLM", "LlamaModel", "MistralForCausalLM", "MixtralForCausalLM", "InternLM3ForCausalLM"},
	Defaults: map[string]Defaults{
		"":                     {Keys: Keys{"max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "rope_theta": 1e4}, StatesHead: true},
		"MistralForCausalLM":   mistralDefaults,
		"InternLM3ForCausalLM": {Keys: Keys{"max_position_embeddings": 32768, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "num_key_value_heads": 2, "head_dim": 128}, StatesHead: true},
		"MixtralForCausalLM": {Keys: Keys{
			"max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "num_key_value_heads": 8,
			"num_local_experts": 8, "num_experts_per_tok": 2,
		}, Always: Keys{"norm_topk_prob": true}, windows: everyLayer},
	},
	Params:     llamaParams,
	Vocabulary: llamaVocabulary,
	Tensors: slices.Concat(trunk,
		attention(permuted), attentionBias(permuted), outputBias,
		in(dense, mlp("mlp", "", ff), mlpBias),
		in(sparse, router("block_sparse_moe.gate"), optional(router("mlp.gate")), mixtralExperts, fusedExperts),
	),
	Ignore: []string{inverseFrequencies},
	Views:  fusedViews,
	Extra:  llamaExtra,
	Graph:  Graph{Router: Router{Score: SoftmaxScore, Normalize: true}},
	Source: Convention{Rope: RopeHalf},
	File:   Convention{Rope: RopeInterleaved},

	fromConfig: func(_ *reader, h *Hyper) { h.Meaning.Router.Normalize = true }, // Mixtral's experts
}

var mistralDefaults = Defaults{
	Keys:       Keys{"max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "rope_theta": 1e4, "num_key_value_heads": 8, "sliding_window": 4096},
	StatesHead: true, windows: everyLayer,
}

var llamaParams = []Param{
	u32("vocab_size", vocab),
	u32("rope.dimension_count", func(h Hyper, _ int) int { return h.HeadDim }),
}

// mixtralExperts calls the gate w1, the down projection w2 and the up
// projection w3.
var mixtralExperts = []Tensor{
	{Source: "model.layers.{i}.block_sparse_moe.experts.{e}.w1.weight", Target: "blk.{i}.ffn_gate_exps.weight", Shape: []Dim{ff, embed}},
	{Source: "model.layers.{i}.block_sparse_moe.experts.{e}.w2.weight", Target: "blk.{i}.ffn_down_exps.weight", Shape: []Dim{embed, ff}},
	{Source: "model.layers.{i}.block_sparse_moe.experts.{e}.w3.weight", Target: "blk.{i}.ffn_up_exps.weight", Shape: []Dim{ff, embed}},
}

var llamaExtra = []Extra{{"rope_freqs.weight", llama3Factors}}

// llama3Factors returns what each rotation frequency is divided by under
// Llama 3.1's scaling, in float32 as torch computes it: slow frequencies by the
// factor, fast ones by 1, those between by a blend. A number divided by a tensor
// is multiplied by the tensor's reciprocal there.
func llama3Factors(h Hyper) []float32 {
	if h.Rope.Scaling != "llama3" {
		return nil
	}
	var (
		context = float64(h.Rope.OriginalContext)
		low     = h.Rope.LowFreqFactor
		high    = h.Rope.HighFreqFactor
		factors = make([]float32, h.HeadDim/2)
	)
	for j := range factors {
		exponent := float32(2*j) / float32(h.HeadDim)
		frequency := 1 / float32(math.Pow(h.Rope.Base, float64(exponent)))
		wavelength := float32(2*math.Pi) * (1 / frequency)
		switch {
		case float64(wavelength) < context/high:
			factors[j] = 1
		case float64(wavelength) > context/low:
			factors[j] = float32(h.Rope.Factor)
		default:
			smooth := (float32(float32(context)*(1/wavelength)) - float32(low)) / float32(high-low)
			factors[j] = 1 / (float32((1-smooth)/float32(h.Rope.Factor)) + smooth)
		}
	}
	return factors
}
