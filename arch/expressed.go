package arch

import (
	"fmt"
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
	named, known := ByName(a.Name)
	if !known {
		named = a // a described one
	}
	back, err := named.FromGGUF(kvs)
	if err != nil {
		return err
	}
	file, err := Describe(named, back)
	if err != nil {
		return err
	}
	found := Differences(file, source)
	if len(found) == 0 {
		return nil
	}
	field, difference, _ := strings.Cut(found[0], ": ")
	if a.description != "" {
		return fault.Op("arch").File(a.description).Unsupported("a file of architecture %s cannot express what it describes: it would have %s (%s)", a.Name, difference, field)
	}
	where, plain := "", index.ReplaceAllString(field, "")
	if layer := layers.FindStringSubmatch(field); layer != nil {
		where = " in layer " + layer[1]
	}
	at := slices.IndexFunc(graphKeys, func(k graphKey) bool {
		return strings.HasPrefix(plain, "Layers."+k.field) || strings.HasPrefix(plain, k.field)
	})
	keys := []string{"architectures"}
	if at >= 0 {
		keys = graphKeys[at].keys
	} else {
		where = fmt.Sprintf(" (%s)", field) // no key says it
	}
	config := "config.json"
	if a.Native {
		config = "params.json"
	}
	others := ""
	if len(keys) > 1 {
		others = fmt.Sprintf(" (or %s)", strings.Join(keys[1:], ", "))
	}
	return fault.Op("arch").File(config).Key(keys[0]).Unsupported("a file of architecture %s cannot express it%s%s: it would have %s", a.Name, others, where, difference)
}

var (
	index  = regexp.MustCompile(`\[\d+\]`)
	layers = regexp.MustCompile(`^Layers\[(\d+)\]`)
)

type graphKey struct {
	field string
	keys  []string
}

// graphKeys lists the keys of config.json that decide a field of the graph, the
// longest field first where one begins another.
var graphKeys = []graphKey{
	{"Mixer.Mask.Window", []string{"sliding_window"}},
	{"Mixer.Mask.Chunk", []string{"attention_chunk_size"}},
	{"Mixer.Rope.Base", []string{"rope_theta"}},
	{"Mixer.Rope.Dim", []string{"partial_rotary_factor"}},
	{"Mixer.Rope.", []string{"rope_scaling"}},
	{"Mixer.Rope", []string{"no_rope_layers"}},
	{"Mixer.Unit", []string{"use_qk_norm"}},
	{"Mixer.Temperature", []string{"attn_temperature_tuning"}},
	{"Mixer.Softcap", []string{"attn_logit_softcapping"}},
	{"Mixer.Scale", []string{"query_pre_attn_scalar", "attention_multiplier", "mscale_all_dim"}},
	{"Mixer.Dim", []string{"head_dim"}},
	{"Mixer.ValueDim", []string{"head_dim"}},
	{"Mixer.NormEps", []string{"rms_norm_eps"}},
	{"Mixer.Index", []string{"index_n_heads", "index_head_dim", "index_topk"}},
	{"Mixer", []string{"layer_types"}},
	{"Feed.Router.Normalize", []string{"norm_topk_prob"}},
	{"Feed.Router.Score", []string{"scoring_func"}},
	{"Feed.Router.Scale", []string{"routed_scaling_factor"}},
	{"Feed.Router.Used", []string{"num_experts_per_tok"}},
	{"Feed.Router", []string{"n_group", "topk_group", "topk_method"}},
	{"Feed.Activation", []string{"hidden_act"}},
	{"Feed.Shared", []string{"n_shared_experts", "shared_expert_intermediate_size"}},
	{"Feed.Width", []string{"intermediate_size", "moe_intermediate_size"}},
	{"Feed", []string{"mlp_only_layers", "decoder_sparse_step", "first_k_dense_replace", "moe_layer_freq"}},
	{"Output.Softcap", []string{"final_logit_softcapping"}},
}

// Losses lists what a file of a checkpoint cannot express.
func Losses(config hf.Config, h Hyper) []Loss {
	a, err := Of(config)
	if err != nil {
		return nil
	}
	c, _ := a.reader(config, h.Class)
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
