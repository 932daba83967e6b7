package arch

import "math"

// llama serves Llama 1, 2, 3, 3.1, 3.2 and 3.3 and the many models that
// share their decoder. The file pairs rotated dimensions as Meta's release
// did, Hugging Face's checkpoints pair them by halves: hence the permutation.
var llama = Arch{
	Name:    "llama",
	Classes: []string{"LlamaForCausalLM", "LLaMAForCausalLM", "LlamaModel"},
	Defaults: map[string]Defaults{
		"": {Context: 2048, Eps: 1e-6, RopeBase: 10000, HeadDim: true},
	},
	Params: []Param{
		u32("vocab_size", vocab),
		u32("rope.dimension_count", func(h Hyper) int { return h.HeadDim }),
	},
	Tensors: []Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{qRows, embed}, Op: Op{Kind: RopePermute, Heads: QueryHeads}},
		{Source: "model.layers.{i}.self_attn.q_proj.bias", Target: "blk.{i}.attn_q.bias", Shape: []Dim{qRows}, Op: Op{Kind: RopePermute, Heads: QueryHeads}, Optional: true},
		{Source: "model.layers.{i}.self_attn.k_proj.weight", Target: "blk.{i}.attn_k.weight", Shape: []Dim{kRows, embed}, Op: Op{Kind: RopePermute, Heads: KVHeads}},
		{Source: "model.layers.{i}.self_attn.k_proj.bias", Target: "blk.{i}.attn_k.bias", Shape: []Dim{kRows}, Op: Op{Kind: RopePermute, Heads: KVHeads}, Optional: true},
		{Source: "model.layers.{i}.self_attn.v_proj.weight", Target: "blk.{i}.attn_v.weight", Shape: []Dim{vRows, embed}},
		{Source: "model.layers.{i}.self_attn.v_proj.bias", Target: "blk.{i}.attn_v.bias", Shape: []Dim{vRows}, Optional: true},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "model.layers.{i}.self_attn.o_proj.bias", Target: "blk.{i}.attn_output.bias", Shape: []Dim{embed}, Optional: true},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.mlp.gate_proj.weight", Target: "blk.{i}.ffn_gate.weight", Shape: []Dim{ff, embed}},
		{Source: "model.layers.{i}.mlp.gate_proj.bias", Target: "blk.{i}.ffn_gate.bias", Shape: []Dim{ff}, Optional: true},
		{Source: "model.layers.{i}.mlp.up_proj.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{ff, embed}},
		{Source: "model.layers.{i}.mlp.up_proj.bias", Target: "blk.{i}.ffn_up.bias", Shape: []Dim{ff}, Optional: true},
		{Source: "model.layers.{i}.mlp.down_proj.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
		{Source: "model.layers.{i}.mlp.down_proj.bias", Target: "blk.{i}.ffn_down.bias", Shape: []Dim{embed}, Optional: true},
		{Source: "model.norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		{Source: "lm_head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true},
	},
	Ignore: []string{"model.layers.{i}.self_attn.rotary_emb.inv_freq"},
	Extra:  []Extra{{"rope_freqs.weight", llama3Factors}},
	Graph:  Graph{SourceRope: RopeHalf, GGUFRope: RopeInterleaved},
}

// llama3Factors returns what each rotation frequency is divided by under
// Llama 3.1's scaling, as float32 arithmetic gives it: slow frequencies by the
// factor, fast ones by 1, those between by a blend.
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
		wavelength := float32(2*math.Pi) / frequency
		switch {
		case float64(wavelength) < context/high:
			factors[j] = 1
		case float64(wavelength) > context/low:
			factors[j] = float32(h.Rope.Factor)
		default:
			smooth := (float32(context)/wavelength - float32(low)) / float32(high-low)
			factors[j] = 1 / (float32((1-smooth)/float32(h.Rope.Factor)) + smooth)
		}
	}
	return factors
}
