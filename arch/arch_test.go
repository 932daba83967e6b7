package arch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

func parse(t testing.TB, text string) hf.Config {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var values map[string]any
	if err := decoder.Decode(&values); err != nil {
		t.Skip("no object:", err)
	}
	return hf.NewConfig(values, "config.json")
}

const small = `"vocab_size": 300, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4`

func TestReadsBothSpellingsOfRope(t *testing.T) {
	want := Rope{Base: 5e5, Dim: 16, Scaling: "llama3", Factor: 8, OriginalContext: 8192, LowFreqFactor: 1, HighFreqFactor: 4}
	for name, rope := range map[string]string{
		"transformers 4": `"rope_theta": 5e5, "rope_scaling": {"type": "llama3", "factor": 8, "original_max_position_embeddings": 8192}`,
		"transformers 5": `"rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}`,
		"by layer type":  `"rope_parameters": {"full_attention": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}}`,
	} {
		h, err := FromConfig(parse(t, `{"architectures": ["LlamaForCausalLM"], `+small+`, `+rope+`}`))
		if err != nil {
			t.Fatal(name, err)
		}
		if d := cmp.Diff(want, h.Rope); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestTextConfigGoesBeforeTheRoot(t *testing.T) {
	h, err := FromConfig(parse(t, `{"architectures": ["Mistral3ForConditionalGeneration"], "hidden_size": 1, "vocab_size": 7, "text_config": {`+small+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	if h.Embed != 64 || h.Vocab != 300 || h.Arch != "mistral3" {
		t.Errorf("hidden_size %d, vocab_size %d, architecture %s", h.Embed, h.Vocab, h.Arch)
	}
}

func TestRefusesSenselessConfigurations(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		class error
		word  string
	}{
		"no class":            {`{}`, fault.ErrCorrupt, `"architectures"`},
		"unknown class":       {`{"architectures": ["Qwen9ForCausalLM"]}`, fault.ErrUnsupported, "Qwen2ForCausalLM"},
		"missing key":         {`{"architectures": ["LlamaForCausalLM"]}`, fault.ErrCorrupt, `"num_hidden_layers"`},
		"string for a number": {`{"architectures": ["LlamaForCausalLM"], ` + small + `, "rms_norm_eps": "x"}`, fault.ErrCorrupt, `"rms_norm_eps"`},
		"negative count":      {`{"architectures": ["LlamaForCausalLM"], ` + small + `, "head_dim": -2}`, fault.ErrCorrupt, `"head_dim"`},
		"odd head":            {`{"architectures": ["LlamaForCausalLM"], ` + small + `, "head_dim": 7}`, fault.ErrCorrupt, "7 dimensions"},
		"more experts used":   {`{"architectures": ["MixtralForCausalLM"], ` + small + `, "num_local_experts": 2, "num_experts_per_tok": 3}`, fault.ErrCorrupt, "3 experts are used of 2"},
		"unknown scores":      {`{"architectures": ["DeepseekForCausalLM"], ` + small + `, "scoring_func": "tanh"}`, fault.ErrUnsupported, "tanh"},
		"other unrotated":     {`{"architectures": ["SmolLM3ForCausalLM"], ` + small + `, "no_rope_layers": [1, 0, 1]}`, fault.ErrUnsupported, "layer 1"},
	} {
		_, err := FromConfig(parse(t, test.text))
		namesConfigKey(t, err)
		if !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.word) {
			t.Errorf("%s: error %v, want class %v naming %s", name, err, test.class, test.word)
		}
	}
}

// namesConfigKey holds an error of reading hyperparameters to naming file and
// key as fields, and to a sentence that begins with them.
func namesConfigKey(t *testing.T, err error) {
	t.Helper()
	e := new(fault.Error)
	if !errors.As(err, &e) || !strings.HasSuffix(e.File, ".json") && !strings.HasPrefix(e.File, "the class's") || e.Key == "" {
		t.Errorf("fields %+v of %v do not name file and key", e, err)
		return
	}
	if place := fmt.Sprintf(": %s: key %q", e.File, e.Key); !strings.Contains(err.Error(), place) || strings.Contains(e.Rule, "config.json") {
		t.Errorf("%v does not name %s once", err, place)
	}
}

func TestErrorsOfConfigurationsNameFileAndKeyAsFields(t *testing.T) {
	const (
		mla   = `"architectures": ["DeepseekV3ForCausalLM"], "kv_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 4, "n_routed_experts": 4, "q_lora_rank": 8`
		delta = `"architectures": ["Qwen3NextForCausalLM"], "num_experts": 4, "num_experts_per_tok": 2, "linear_num_key_heads": 2, "linear_num_value_heads": 2`
		llama = `"architectures": ["LlamaForCausalLM"]`
	)
	for text, key := range map[string]string{
		llama + `, "num_hidden_layers": 5000`:                                "num_hidden_layers",
		llama + `, "n_head": 5, "num_attention_heads": null`:                 "num_key_value_heads",
		llama + `, "n_head": 0, "num_attention_heads": null`:                 "n_head",
		llama + `, "rms_norm_eps": -1`:                                       "rms_norm_eps",
		llama + `, "rope_parameters": {"rope_theta": -1}`:                    "rope_parameters.rope_theta",
		llama + `, "rope_parameters": {"rope_type": "linear", "factor": -2}`: "rope_parameters.factor",
		llama + `, "rope_scaling": {"type": "ntk"}`:                          "rope_scaling.type",
		llama + `, "rope_scaling": []`:                                       "rope_scaling",
		llama + `, "hidden_act": "sine"`:                                     "hidden_act",
		llama + `, "partial_rotary_factor": 1.5`:                             "partial_rotary_factor",
		llama + `, "intermediate_size": 0`:                                   "intermediate_size",
		mla + `, "rope_scaling": {"type": "longrope", "short_factor": [1]}`:  "rope_scaling.long_factor",
		mla + `, "v_head_dim": 0`:                                            "v_head_dim",
		delta + `, "linear_num_value_heads": 3`:                              "linear_num_value_heads",
		delta + `, "layer_types": ["linear_attention"]`:                      "layer_types",
		`"architectures": ["MllamaForConditionalGeneration"], "text_config": {` + small + `, "cross_attention_layers": [7]}`: "text_config.cross_attention_layers",
		`"architectures": ["Gemma2ForCausalLM"], "use_bidirectional_attention": true`:                                        "use_bidirectional_attention",
		`"architectures": ["UnheardForCausalLM"]`:                                                                            "architectures",
	} {
		_, err := FromConfig(parse(t, `{`+small+`, `+text+`}`))
		namesConfigKey(t, err)
		if e := new(fault.Error); !errors.As(err, &e) || e.Key != key {
			t.Errorf("%s: %v, want key %q", text, err, key)
		}
	}
}

func TestErrorsOfFilesNameTheKeyAsField(t *testing.T) {
	base := func() gguf.KVs {
		return gguf.KVs{
			{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: uint32(2)}, {Key: "llama.embedding_length", Value: uint32(64)},
			{Key: "llama.attention.head_count", Value: uint32(4)}, {Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1.1e-5)},
		}
	}
	if _, err := FromGGUF(base()); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]any{
		"general.architecture": "unheard", "llama.block_count": uint32(0), "llama.embedding_length": "wide", "llama.attention.head_count_kv": uint32(3),
		"llama.attention.layer_norm_rms_epsilon": float32(-1), "llama.rope.freq_base": float32(-1), "llama.rope.dimension_count": uint32(7),
		"llama.expert_used_count": uint32(2), "llama.expert_gating_func": uint32(9), "llama.nextn_predict_layers": uint32(2),
	} {
		kvs := base()
		kvs.Set(key, value)
		_, err := FromGGUF(kvs)
		if e := new(fault.Error); !errors.As(err, &e) || e.Key != key {
			t.Errorf("%s = %v: %v", key, value, err)
		}
	}
}

func TestTemplatesNumberLayerThenExpert(t *testing.T) {
	for name, want := range map[string]struct {
		template      string
		layer, expert int
	}{
		"model.layers.12.mlp.experts.7.up_proj.weight": {"model.layers.{i}.mlp.experts.{e}.up_proj.weight", 12, 7},
		"model.norm.weight":                            {"model.norm.weight", -1, -1},
		"layers.007.x":                                 {"layers.007.x", -1, -1},
		"layers.-1.x":                                  {"layers.-1.x", -1, -1},
		"layers.1.a.2.b.3.bias":                        {"layers.{i}.a.{e}.b.3.bias", 1, 2},
	} {
		template, layer, expert := Template(name)
		if template != want.template || layer != want.layer || expert != want.expert {
			t.Errorf("%s: %s %d %d", name, template, layer, expert)
		}
		if layer >= 0 && expert >= 0 && Fill(template, layer, expert) != name {
			t.Errorf("%s does not fill again", name)
		}
	}
}

func TestIgnoresByPattern(t *testing.T) {
	a := Arch{Ignore: []string{"a.{i}.freq", "*vision_*", "mm.*.scale"}}
	for name, want := range map[string]bool{
		"a.3.freq": true, "a.freq": false, "model.vision_tower.x": true, "vision": false, "mm.1.scale": true, "mm.scale.x": false, "mm.a.b.scale": true,
	} {
		if a.Ignores(name) != want {
			t.Errorf("%s: ignored %v", name, !want)
		}
	}
}

// TestEveryTemplateIsSound checks the table itself: no class or source twice,
// shapes everywhere, and targets that name a layer exactly where sources do.
func TestEveryTemplateIsSound(t *testing.T) {
	classes := map[string]string{}
	for _, a := range table {
		for _, c := range a.Classes {
			if other, twice := classes[c]; twice {
				t.Errorf("class %s is served by %s and %s", c, other, a.Name)
			}
			classes[c] = a.Name
		}
		targets := map[string]bool{}
		for _, x := range a.Tensors {
			if len(x.Shape) == 0 {
				t.Errorf("%s: %s has no shape", a.Name, x.Source)
			}
			if x.Target != "" && strings.Contains(x.Source, "{i}") != strings.Contains(x.Target, "{i}") || strings.Contains(x.Target, "{e}") {
				t.Errorf("%s: %s cannot become %s", a.Name, x.Source, x.Target)
			}
			if key := x.Source + " " + x.Target; targets[key] && x.Where == nil {
				t.Errorf("%s: %s is listed twice", a.Name, key)
			} else {
				targets[key] = true
			}
		}
	}
}

func FuzzFromConfig(f *testing.F) {
	f.Add(`{"architectures": ["LlamaForCausalLM"], ` + small + `}`)
	f.Add(`{"architectures": ["DeepseekV3ForCausalLM"], ` + small + `, "kv_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4, "v_head_dim": 4, "n_routed_experts": 4}`)
	f.Add(`{"architectures": ["Qwen3_5ForCausalLM"], "text_config": {` + small + `, "linear_num_value_heads": 4}}`)
	f.Add(`{"architectures": ["Llama4ForCausalLM"], ` + small + `, "no_rope_layers": [1e99, null], "rope_parameters": {"rope_type": "llama3", "factor": 0}}`)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := FromConfig(parse(t, text))
		if err != nil {
			namesConfigKey(t, err)
			return
		}
		a, ok := ByClass(h.Class)
		if !ok {
			t.Fatalf("class %q is read but not in the table", h.Class)
		}
		kvs := gguf.KVs{{Key: "general.architecture", Value: a.Name}}
		for _, p := range append(a.CommonParams(), a.Params...) {
			if v, ok := p.From(h); ok {
				kvs.Set(a.Name+"."+p.Key, v)
			}
		}
		for _, e := range a.Extra {
			e.Values(h)
		}
		_, _ = FromGGUF(kvs) // must not panic
	})
}
