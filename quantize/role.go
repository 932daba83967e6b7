package quantize

import (
	"cmp"
	"strings"

	"github.com/f190792d/mq/formats/gguf"
)

// role is the part a tensor plays, as far as the rules tell parts apart. It
// is a bit, so that a rule can name several.
type role uint16

const (
	other role = 1 << iota
	output
	tokenEmbd
	attnQKV
	attnKVB
	attnV
	attnK
	attnQ
	attnOutput
	ffnUp
	ffnGate
	ffnDown

	valueLike = attnV | attnQKV | attnKVB // holds a value projection
	anyRole   = ^role(0)
)

// roleNames are looked for in order, anywhere in the name: ffn_down also
// finds the experts' ffn_down_exps and ffn_down_shexp.
var roleNames = []struct {
	part string
	role role
}{
	{"attn_qkv.weight", attnQKV},
	{"attn_kv_b.weight", attnKVB},
	{"attn_v.weight", attnV},
	{"attn_k.weight", attnK},
	{"attn_q.weight", attnQ},
	{"attn_output.weight", attnOutput},
	{"ffn_up", ffnUp},
	{"ffn_gate", ffnGate},
	{"ffn_down", ffnDown},
}

const (
	outputName        = "output.weight"
	tokenEmbdName     = "token_embd.weight"
	perLayerTokenEmbd = "per_layer_token_embd.weight"
)

func roleOf(name string) role {
	switch name {
	case outputName:
		return output
	case tokenEmbdName, perLayerTokenEmbd:
		return tokenEmbd
	}
	for _, r := range roleNames {
		if strings.Contains(name, r.part) {
			return r.role
		}
	}
	return other
}

// keptNames are parts of the names of tensors that no recipe quantizes: small
// ones, and those that decide rather than compute.
var keptNames = []string{
	"_norm.weight",
	"ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", // expert routers
	"altup", "laurel", "per_layer_model_proj",
	"ssm_conv1d", "shortconv.conv.weight",
	"indexer.k_proj.weight", "indexer.q_proj.weight",
	"time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight",
	"time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight",
	"time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight",
	"time_mix_g1.weight", "time_mix_g2.weight",
	"time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight",
	"attn_rel_b.weight",
	".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger",
	"a.rvq.codebook", "mm.a.code_embd",
}

// quantizable reports whether a recipe may change the tensor's type: a weight
// of two or more dimensions that is none of keptNames. Lengths of 1 at the
// end of a shape do not count.
func quantizable(t gguf.TensorInfo) bool {
	if len(gguf.TrimShape(t.Shape)) < 2 || !strings.HasSuffix(t.Name, "weight") {
		return false
	}
	if t.Name == "position_embd.weight" || t.Name == "token_types.weight" {
		return false
	}
	for _, part := range keptNames {
		if strings.Contains(t.Name, part) {
			return false
		}
	}
	return true
}

// layerOf reads the number after a leading "blk.".
func layerOf(name string) (int, bool) {
	rest, ok := strings.CutPrefix(name, "blk.")
	n, digits := 0, 0
	for ok && digits < len(rest) && digits < 9 && '0' <= rest[digits] && rest[digits] <= '9' {
		n = 10*n + int(rest[digits]-'0')
		digits++
	}
	return n, digits > 0
}

// byLayer is the order of tensors in a quantized file: those outside the
// layers first, then layer by layer, by name within each.
func byLayer(a, b string) int {
	return cmp.Or(cmp.Compare(layerOr(a, -1), layerOr(b, -1)), strings.Compare(a, b))
}

func layerOr(name string, none int) int {
	if n, ok := layerOf(name); ok {
		return n
	}
	return none
}
