package arch

// qwen2 serves Qwen 1.5, 2 and 2.5: biases on query, key and value, and
// rotated dimensions paired by halves in checkpoint and file alike.
var qwen2 = Arch{
	Name:    "qwen2",
	Classes: []string{"Qwen2ForCausalLM", "Qwen2Model"},
	Defaults: map[string]Defaults{
		"": {Context: 32768, Eps: 1e-6, RopeBase: 10000},
	},
	Tensors: []Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}},
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{qRows, embed}},
		{Source: "model.layers.{i}.self_attn.q_proj.bias", Target: "blk.{i}.attn_q.bias", Shape: []Dim{qRows}, Optional: true},
		{Source: "model.layers.{i}.self_attn.k_proj.weight", Target: "blk.{i}.attn_k.weight", Shape: []Dim{kRows, embed}},
		{Source: "model.layers.{i}.self_attn.k_proj.bias", Target: "blk.{i}.attn_k.bias", Shape: []Dim{kRows}, Optional: true},
		{Source: "model.layers.{i}.self_attn.v_proj.weight", Target: "blk.{i}.attn_v.weight", Shape: []Dim{vRows, embed}},
		{Source: "model.layers.{i}.self_attn.v_proj.bias", Target: "blk.{i}.attn_v.bias", Shape: []Dim{vRows}, Optional: true},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
		{Source: "model.layers.{i}.mlp.gate_proj.weight", Target: "blk.{i}.ffn_gate.weight", Shape: []Dim{ff, embed}},
		{Source: "model.layers.{i}.mlp.up_proj.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{ff, embed}},
		{Source: "model.layers.{i}.mlp.down_proj.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
		{Source: "model.norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}},
		{Source: "lm_head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true},
	},
	Ignore: []string{"model.layers.{i}.self_attn.rotary_emb.inv_freq"},
	Graph:  Graph{SourceRope: RopeHalf, GGUFRope: RopeHalf},
}
