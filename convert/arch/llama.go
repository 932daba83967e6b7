package arch

// llama serves Llama 1, 2, 3, 3.1, 3.2 and 3.3 and the many models that
// share their class. The file pairs rotated dimensions as Meta's release did,
// Hugging Face's checkpoints pair them by halves: hence the permutation.
var llama = Arch{
	Name:    "llama",
	Classes: []string{"LlamaForCausalLM"},
	Params: []Param{
		{"vocab_size", func(h Hyper) (any, bool) { return uint32(h.Vocab), true }},
		{"rope.dimension_count", func(h Hyper) (any, bool) { return uint32(h.Rope.Dim), true }},
	},
	Tensors: []Tensor{
		{Source: "model.embed_tokens.weight", Target: "token_embd.weight"},
		{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight"},
		{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight", Op: Op{Kind: RopePermute, Heads: QueryHeads}},
		{Source: "model.layers.{i}.self_attn.q_proj.bias", Target: "blk.{i}.attn_q.bias", Op: Op{Kind: RopePermute, Heads: QueryHeads}, Optional: true},
		{Source: "model.layers.{i}.self_attn.k_proj.weight", Target: "blk.{i}.attn_k.weight", Op: Op{Kind: RopePermute, Heads: KVHeads}},
		{Source: "model.layers.{i}.self_attn.k_proj.bias", Target: "blk.{i}.attn_k.bias", Op: Op{Kind: RopePermute, Heads: KVHeads}, Optional: true},
		{Source: "model.layers.{i}.self_attn.v_proj.weight", Target: "blk.{i}.attn_v.weight"},
		{Source: "model.layers.{i}.self_attn.v_proj.bias", Target: "blk.{i}.attn_v.bias", Optional: true},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight"},
		{Source: "model.layers.{i}.self_attn.o_proj.bias", Target: "blk.{i}.attn_output.bias", Optional: true},
		{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.ffn_norm.weight"},
		{Source: "model.layers.{i}.mlp.gate_proj.weight", Target: "blk.{i}.ffn_gate.weight"},
		{Source: "model.layers.{i}.mlp.up_proj.weight", Target: "blk.{i}.ffn_up.weight"},
		{Source: "model.layers.{i}.mlp.down_proj.weight", Target: "blk.{i}.ffn_down.weight"},
		{Source: "model.norm.weight", Target: "output_norm.weight"},
		{Source: "lm_head.weight", Target: "output.weight", Optional: true},
	},
	Ignore: []string{"model.layers.{i}.self_attn.rotary_emb.inv_freq"},
	Graph:  Graph{SourceRope: RopeHalf, GGUFRope: RopeInterleaved},
}
