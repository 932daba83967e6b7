package arch

import "strings"

// surplus are tensors that a checkpoint of any architecture may hold and that
// its model does not compute with; transformers passes over them, too. What a
// template takes is none.
var surplus = []struct{ pattern, what string }{
	{"*rotary_emb.*inv_freq", "a buffer of the rotation"},
	{"*rotary_emb.inv_freq", "a buffer of the rotation"},
	{"*rotary_emb.*_cached", "a buffer of the rotation"},
	{"*rotary_pos_emb.inv_freq", "a buffer of the rotation"},
	{"*rope.inv_freq", "a buffer of the rotation"},
	{"*rope.freqs", "a buffer of the rotation"},
	{"*freqs_cis", "a buffer of the rotation"},
	{"*position_ids", "a buffer of positions"},
	{"*causal_mask", "a mask"},
	{"*.attention.bias", "a mask"}, // GPT's name for it
	{"*.attention.masked_bias", "a mask"},
	{"*.attn.bias", "a mask"},
	{"*.attn.masked_bias", "a mask"},
	{"*.self_attn.bias", "a mask"},
	{"*.self_attn.masked_bias", "a mask"},
	{"*.tokens_per_expert", "a count of training"},
	{"*.num_batches_tracked", "a count of training"},
	{"*Dense.linear.*", "a matrix after the pooling, for which files of the architecture have no place"},
	{"v_head.*", "a head of training"},
	{"value_head.*", "a head of training"},
	{"critic_head.*", "a head of training"},
	{"reward_head.*", "a head of training"},
	{"regression_head.*", "a head of training"},
	{"score.*", "a head of training"},
	{"classifier.*", "a head of training"},
	{"qa_outputs.*", "a head of training"},
	{"medusa_head*", "a head of training"},
}

// Surplus reports whether a canonical source name that no template takes is one
// of those that every model can do without, and says what it is.
func Surplus(name string) (what string, ok bool) {
	for _, s := range surplus {
		if glob(s.pattern, name) || glob(s.pattern, strings.TrimPrefix(name, "model.")) {
			return s.what, true
		}
	}
	return "", false
}
