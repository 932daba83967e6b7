package arch

import (
	"regexp"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// CheckExpressed compares what a checkpoint's model computes, but for the
// losses, with what its file's key-values say. A difference is an error that
// names the key of config.json: the file would be of another model.
func CheckExpressed(a Arch, h Hyper, losses []Loss, kvs gguf.KVs) error {
	source, err := Expressible(a, h, losses)
	if err != nil {
		return err
	}
	back, err := FromGGUF(kvs)
	if err != nil {
		return err
	}
	named, _ := ByName(back.Arch)
	file, err := Describe(named, back)
	if err != nil {
		return err
	}
	found := Differences(file, source)
	if len(found) == 0 {
		return nil
	}
	field, difference, _ := strings.Cut(found[0], ": ")
	field = index.ReplaceAllString(field, "")
	at := slices.IndexFunc(graphKeys, func(k graphKey) bool {
		return strings.HasPrefix(field, "Layers."+k.field) || strings.HasPrefix(field, k.field)
	})
	key := "of this model"
	if at >= 0 {
		key = graphKeys[at].keys
	}
	return fault.Unsupported("convert: config.json: %s: a file of architecture %s cannot express it: it would have %s (%s)", key, a.Name, difference, found[0][:len(found[0])-len(difference)-2])
}

var index = regexp.MustCompile(`\[\d+\]`)

type graphKey struct{ field, keys string }

// graphKeys names what decides a field of the graph, the longest field first
// where one begins another.
var graphKeys = []graphKey{
	{"Mixer.Mask.Window", `key "sliding_window"`},
	{"Mixer.Mask.Chunk", `key "attention_chunk_size"`},
	{"Mixer.Rope.Base", `key "rope_theta"`},
	{"Mixer.Rope.Dim", `key "partial_rotary_factor"`},
	{"Mixer.Rope.", `key "rope_scaling"`},
	{"Mixer.Rope", `key "no_rope_layers"`},
	{"Mixer.Unit", `key "use_qk_norm"`},
	{"Mixer.Temperature", `key "attn_temperature_tuning"`},
	{"Mixer.Softcap", `key "attn_logit_softcapping"`},
	{"Mixer.Scale", `key "query_pre_attn_scalar", "attention_multiplier" or "mscale_all_dim"`},
	{"Mixer.Dim", `key "head_dim"`},
	{"Mixer.ValueDim", `key "head_dim"`},
	{"Mixer.NormEps", `key "rms_norm_eps"`},
	{"Mixer.Index", `keys "index_n_heads", "index_head_dim" and "index_topk"`},
	{"Mixer", `key "layer_types"`},
	{"Feed.Router.Normalize", `key "norm_topk_prob"`},
	{"Feed.Router.Score", `key "scoring_func"`},
	{"Feed.Router.Scale", `key "routed_scaling_factor"`},
	{"Feed.Router.Used", `key "num_experts_per_tok"`},
	{"Feed.Router", `keys "n_group", "topk_group" and "topk_method"`},
	{"Feed.Activation", `key "hidden_act"`},
	{"Feed.Shared", `keys "n_shared_experts" and "shared_expert_intermediate_size"`},
	{"Feed.Width", `keys "intermediate_size" and "moe_intermediate_size"`},
	{"Feed", `keys "mlp_only_layers", "decoder_sparse_step", "first_k_dense_replace" and "moe_layer_freq"`},
	{"Output.Softcap", `key "final_logit_softcapping"`},
}

// Losses lists what a file of a checkpoint cannot express.
func Losses(config hf.Config, h Hyper) []Loss {
	a, _ := ByClass(h.Class)
	c := newReader(config)
	c.assumed = a.assumed(h.Class, c.string("model_type")).Keys.config()
	var all []Loss
	for _, rule := range slices.Concat(a.losses, commonLosses) {
		if loss := rule(c, a, h); loss.Text != "" || loss.Patch != nil {
			all = append(all, loss)
		}
	}
	return all
}

// Expressible describes what a file of a checkpoint computes: the checkpoint's
// model with what the file cannot express left out.
func Expressible(a Arch, h Hyper, losses []Loss) (Model, error) {
	m, err := Describe(a, h)
	if err != nil {
		return Model{}, err
	}
	for _, loss := range losses {
		if loss.Patch != nil {
			loss.Patch(&m)
		}
	}
	return m, nil
}
