package arch

import (
	"slices"
	"strings"
)

// scalable are the matrices beside which llama.cpp looks for the factor of what
// they give, or for that of each expert.
var scalable = []string{
	"blk.{i}.attn_q.weight", "blk.{i}.attn_k.weight", "blk.{i}.attn_v.weight", "blk.{i}.attn_output.weight",
	"blk.{i}.attn_qkv.weight", "blk.{i}.attn_gate.weight",
	"blk.{i}.ffn_gate.weight", "blk.{i}.ffn_up.weight", "blk.{i}.ffn_down.weight",
	"blk.{i}.ffn_gate_shexp.weight", "blk.{i}.ffn_up_shexp.weight", "blk.{i}.ffn_down_shexp.weight",
	"blk.{i}.ffn_gate_exps.weight", "blk.{i}.ffn_up_exps.weight", "blk.{i}.ffn_down_exps.weight",
}

// ScaleOf names the tensor of a file that holds the factor of a matrix's
// products, or that of each expert; ok is false where nothing applies one.
func (a Arch) ScaleOf(matrix string) (name string, ok bool) {
	template, _, _ := Template(matrix)
	if !a.Scaled || !slices.Contains(scalable, template) {
		return "", false
	}
	return strings.TrimSuffix(matrix, ".weight") + ".scale", true
}
