package arch

import (
	"slices"
	"strings"
)

// The parts that decoders of Hugging Face share, as templates.

// trunk holds the embedding, the norms and the output matrix.
var trunk = []Tensor{
	embedding,
	{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.ffn_norm.weight", Shape: []Dim{embed}},
	outputNorm,
	head,
}

// postTrunk is the trunk of files that name the norm before the feed-forward
// network after attention.
var postTrunk = []Tensor{
	embedding,
	{Source: "model.layers.{i}.input_layernorm.weight", Target: "blk.{i}.attn_norm.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: attentionPost + ".weight", Shape: []Dim{embed}},
	outputNorm,
	head,
}

// attentionPost is a norm before the feed-forward network there.
const attentionPost = "blk.{i}.post_attention_norm"

// inverseFrequencies are what old checkpoints store of the rotary embedding.
const inverseFrequencies = "model.layers.{i}.self_attn.rotary_emb.inv_freq"

// attention holds the matrices of grouped-query attention; rows is what
// happens to the rows of queries and keys.
func attention(rows func(HeadCount) []Op) []Tensor {
	return []Tensor{
		{Source: "model.layers.{i}.self_attn.q_proj.weight", Target: "blk.{i}.attn_q.weight", Shape: []Dim{qRows, embed}, Ops: rows(QueryHeads)},
		{Source: "model.layers.{i}.self_attn.k_proj.weight", Target: "blk.{i}.attn_k.weight", Shape: []Dim{kRows, embed}, Ops: rows(KVHeads)},
		{Source: "model.layers.{i}.self_attn.v_proj.weight", Target: "blk.{i}.attn_v.weight", Shape: []Dim{vRows, embed}},
		{Source: "model.layers.{i}.self_attn.o_proj.weight", Target: "blk.{i}.attn_output.weight", Shape: []Dim{embed, oCols}},
	}
}

// attentionBias holds the biases of queries, keys and values.
func attentionBias(rows func(HeadCount) []Op) []Tensor {
	return optional([]Tensor{
		{Source: "model.layers.{i}.self_attn.q_proj.bias", Target: "blk.{i}.attn_q.bias", Shape: []Dim{qRows}, Ops: rows(QueryHeads)},
		{Source: "model.layers.{i}.self_attn.k_proj.bias", Target: "blk.{i}.attn_k.bias", Shape: []Dim{kRows}, Ops: rows(KVHeads)},
		{Source: "model.layers.{i}.self_attn.v_proj.bias", Target: "blk.{i}.attn_v.bias", Shape: []Dim{vRows}},
	})
}

var outputBias = optional([]Tensor{
	{Source: "model.layers.{i}.self_attn.o_proj.bias", Target: "blk.{i}.attn_output.bias", Shape: []Dim{embed}},
})

// headNorms normalize each query and key head.
var headNorms = []Tensor{
	{Source: "model.layers.{i}.self_attn.q_norm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{headDim}},
	{Source: "model.layers.{i}.self_attn.k_norm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{headDim}},
}

// mlp is the gated feed-forward network, under any name and of any width.
func mlp(source, target string, width Dim) []Tensor {
	return []Tensor{
		{Source: "model.layers.{i}." + source + ".gate_proj.weight", Target: "blk.{i}.ffn_gate" + target + ".weight", Shape: []Dim{width, embed}},
		{Source: "model.layers.{i}." + source + ".up_proj.weight", Target: "blk.{i}.ffn_up" + target + ".weight", Shape: []Dim{width, embed}},
		{Source: "model.layers.{i}." + source + ".down_proj.weight", Target: "blk.{i}.ffn_down" + target + ".weight", Shape: []Dim{embed, width}},
	}
}

// numberedMLP is the same with gate, down and up projection called w1, w2 and w3.
func numberedMLP(source, target string, width Dim) []Tensor {
	return []Tensor{
		{Source: "model.layers.{i}." + source + ".w1.weight", Target: "blk.{i}.ffn_gate" + target + ".weight", Shape: []Dim{width, embed}},
		{Source: "model.layers.{i}." + source + ".w2.weight", Target: "blk.{i}.ffn_down" + target + ".weight", Shape: []Dim{embed, width}},
		{Source: "model.layers.{i}." + source + ".w3.weight", Target: "blk.{i}.ffn_up" + target + ".weight", Shape: []Dim{width, embed}},
	}
}

var mlpBias = optional([]Tensor{
	{Source: "model.layers.{i}.mlp.gate_proj.bias", Target: "blk.{i}.ffn_gate.bias", Shape: []Dim{ff}},
	{Source: "model.layers.{i}.mlp.up_proj.bias", Target: "blk.{i}.ffn_up.bias", Shape: []Dim{ff}},
	{Source: "model.layers.{i}.mlp.down_proj.bias", Target: "blk.{i}.ffn_down.bias", Shape: []Dim{embed}},
})

// affine is a matrix and its bias; without columns a layer norm and its bias.
func affine(source, target string, rows, cols Dim, ops ...Op) []Tensor {
	shape := []Dim{rows}
	if cols != nil {
		shape = append(shape, cols)
	}
	return []Tensor{
		{Source: source + ".weight", Target: target + ".weight", Shape: shape, Ops: ops},
		{Source: source + ".bias", Target: target + ".bias", Shape: []Dim{rows}, Ops: ops},
	}
}

// mayLack marks the second of each two tensors, the bias, as absent in some
// checkpoints.
func mayLack(tensors []Tensor) []Tensor {
	for i := 1; i < len(tensors); i += 2 {
		tensors[i].Optional = true
	}
	return tensors
}

// What stands before and after the layers; models may use the embedding for
// the output matrix.
var (
	embedding  = Tensor{Source: "model.embed_tokens.weight", Target: "token_embd.weight", Shape: []Dim{vocab, embed}}
	outputNorm = Tensor{Source: "model.norm.weight", Target: "output_norm.weight", Shape: []Dim{embed}}
	head       = Tensor{Source: "lm_head.weight", Target: "output.weight", Shape: []Dim{vocab, embed}, Optional: true, Untied: true}
	tiedHead   = headOf("model.embed_tokens.weight")
)

// headOf writes the embedding as the output matrix, too, where a model has no
// other: llama.cpp loads no file of some architectures without one.
func headOf(source string) Tensor {
	return Tensor{Source: source, Target: "output.weight", Shape: []Dim{vocab, embed}, Where: tied}
}

// rowNorms normalize all query and all key heads of a position together.
var rowNorms = []Tensor{
	{Source: "model.layers.{i}.self_attn.q_norm.weight", Target: "blk.{i}.attn_q_norm.weight", Shape: []Dim{qRows}},
	{Source: "model.layers.{i}.self_attn.k_norm.weight", Target: "blk.{i}.attn_k_norm.weight", Shape: []Dim{kRows}},
}

// postNorms stand after each part.
var postNorms = []Tensor{
	{Source: "model.layers.{i}.post_attention_layernorm.weight", Target: "blk.{i}.post_attention_norm.weight", Shape: []Dim{embed}},
	{Source: "model.layers.{i}.post_feedforward_layernorm.weight", Target: "blk.{i}.post_ffw_norm.weight", Shape: []Dim{embed}},
}

// optional marks tensors as absent in some checkpoints.
func optional(tensors []Tensor) []Tensor {
	for i := range tensors {
		tensors[i].Optional = true
	}
	return tensors
}

// renamed replaces parts of the sources' names, given in pairs of old and new.
func renamed(tensors []Tensor, pairs ...string) []Tensor {
	names := strings.NewReplacer(pairs...)
	for i := range tensors {
		tensors[i].Source = names.Replace(tensors[i].Source)
	}
	return tensors
}

// withOps adds operations to tensors by the ends of their sources' names.
func withOps(more map[string][]Op, tensors []Tensor) []Tensor {
	for i, t := range tensors {
		for end, ops := range more {
			if strings.HasSuffix(t.Source, end) {
				tensors[i].Ops = slices.Concat(t.Ops, ops)
			}
		}
	}
	return tensors
}

// exceptFor marks the sources with an end of their names as absent in some
// checkpoints.
func exceptFor(end string, tensors []Tensor) []Tensor {
	for i := range tensors {
		tensors[i].Optional = tensors[i].Optional || strings.HasSuffix(tensors[i].Source, end)
	}
	return tensors
}

// in limits tensors to some layers.
func in(where Where, parts ...[]Tensor) []Tensor {
	tensors := slices.Concat(parts...)
	for i := range tensors {
		tensors[i].Where = where
	}
	return tensors
}

// idle marks tensors that checkpoints may have though nothing computes with them.
func idle(tensors []Tensor) []Tensor {
	tensors = optional(slices.Clone(tensors))
	for i := range tensors {
		tensors[i].Idle = true
	}
	return tensors
}

// otherModalities are the parts of multimodal checkpoints beside the text
// model.
var otherModalities = []string{
	"*vision_*", "*visual.*", "*vision.*", "*audio_*", "*audio.*", "*projector.*", "*patch_merger.*", "*patch_embed*", "*image_newline*",
}

// fusedMLP is the gated feed-forward network with the gate above the up
// projection in one matrix, in checkpoint and file.
var fusedMLP = []Tensor{
	{Source: "model.layers.{i}.mlp.gate_up_proj.weight", Target: "blk.{i}.ffn_up.weight", Shape: []Dim{twice(ff), embed}},
	{Source: "model.layers.{i}.mlp.down_proj.weight", Target: "blk.{i}.ffn_down.weight", Shape: []Dim{embed, ff}},
}
