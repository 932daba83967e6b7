package arch

// qwen2 serves Qwen 1.5, 2 and 2.5: biases on query, key and value, and
// rotated dimensions paired by halves in checkpoint and file alike.
var qwen2 = Arch{
	Name:    "qwen2",
	Classes: []string{"Qwen2ForCausalLM", "Qwen2Model"},
	Tensors: []Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight"},
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight"},
		{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight"},
		{Source: "model.layers.{i}.self_attn.q_proj.bias", Target: "blk.{i}.attn_q.bias", Optional: true},
		{Source: "model.layers.{i}.self_attn.k_proj.weight", Target: "blk.{i}.attn_k.weight"},
		{Source: "model.layers.{i}.self_attn.k_proj.bias", Target: "blk.{i}.attn_k.bias", Optional: true},
		{Source: "model.layers.{i}.self_attn.v_proj.weight", Target: "blk.{i}.attn_v.weight"},
		{Source: "model.layers.{i}.self_attn.v_proj.bias", Target: "blk.{i}.attn_v.bias", Optional: true},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight"},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.ffn_norm.weight"},
		{Source: "model.layers.{i}.mlp.gate_proj.weight", Target: "blk.{i}.ffn_gate.weight"},
		{Source: "model.layers.{i}.mlp.up_proj.weight", Target: "blk.{i}.ffn_up.weight"},
		{Source: "model.layers.{i}.mlp.down_proj.weight", Target: "blk.{i}.ffn_down.weight"},
		{Source: "model.norm.weight", Target: "output_norm.weight"},
		{Source: "lm_head.weight", Target: "output.weight", Optional: true},
	},
	Ignore: []string{"model.layers.{i}.self_attn.rotary_emb.inv_freq"},
	Graph:  Graph{SourceRope: RopeHalf, GGUFRope: RopeHalf},
}
