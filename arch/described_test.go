package arch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// read reads a description.
func readDescription(text string) (Arch, error) {
	return Described(hf.Reading{Description: text, File: "new.yaml"})
}

const describedLlama = "parent: LlamaForCausalLM\nclasses: [NewForCausalLM]\n"

// TestErrorsOfDescriptionsNameLineAndKey: what is wrong in a file, and what
// shows only with a model.
func TestErrorsOfDescriptionsNameLineAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "new.yaml is empty",
		"classes: [A]":                          `line 1: key "parent": a description needs it`,
		"parent: llama":                         `line 1: key "classes": a description needs it`,
		"parent: [":                             "line 1",
		"parent: LamaForCausalLM\nclasses: [A]": `line 1: key "parent": neither a class nor an architecture is called LamaForCausalLM; the nearest class is LlamaForCausalLM`,
		describedLlama + "graf: {}":             `line 3: key "graf": a description has no such key`,
		describedLlama + "parent: llama":        `line 3: key "parent": it is there twice`,
		describedLlama + "architecture: New 1":  `line 3: key "architecture"`,
		describedLlama + "defaults: 3":          `line 3: key "defaults"`,
		describedLlama + "activation: selu":     `line 3: key "activation": selu is none of gelu, `,
		describedLlama + "tensors:\n  \"*.nope.*\": none":                                `line 4: key "tensors.*.nope.*": the parent has no such tensor`,
		describedLlama + "tensors:\n  model.x: {target: x}":                              `line 4: key "tensors.model.x": a tensor that the parent does not have needs a shape`,
		describedLlama + "tensors:\n  model.x: {target: x, shape: [f(2)]}":               `there is no function f`,
		describedLlama + "tensors:\n  \"*.q_proj.*\": {ops: [turn]}":                     `line 4: key "tensors.*.q_proj.*.ops": turn is none of add_one, `,
		describedLlama + "tensors:\n  \"*.q_proj.*\": {name: x}":                         `line 4: key "tensors.*.q_proj.*.name": a tensor has target`,
		describedLlama + "tensors:\n  \"*.q_proj.weight\": {target: q}":                  `has {i}, the layer`,
		describedLlama + "parameters:\n  x: none":                                        `line 4: key "parameters.x": the parent has no such parameter`,
		describedLlama + "parameters:\n  block_count: 3":                                 `line 4: key "parameters.block_count": every architecture has this key-value`,
		describedLlama + "parameters:\n  x: {value: 1, type: text}":                      `line 4: key "parameters.x": its type is one of number, count and truth, not text`,
		describedLlama + "parameters:\n  x: 1 +":                                         `line 4: key "parameters.x": "1 +" is not an expression`,
		describedLlama + "parameters:\n  x: sqrt(1, 2)":                                  `sqrt takes 1 arguments, not 2`,
		describedLlama + "parameters:\n  x: func() {}":                                   `line 4: key "parameters.x"`,
		describedLlama + "parameters:\n  x: " + strings.Repeat("(", 600):                 "an expression of 600 characters",
		describedLlama + "graph:\n  layers.mixer.softcap: 3":                             `line 4: key "graph.layers.mixer.softcap": a graph has input, layer and output`,
		describedLlama + "source: {rope: thirds}":                                        `line 3: key "source.rope"`,
		describedLlama + "source: {ropes: half}":                                         `line 3: key "source.ropes": there is no such field`,
		describedLlama + "parameters:\n  x: hidden_width / 2":                            `line 4: key "parameters.x": "hidden_width / 2": nothing says what hidden_width is`,
		describedLlama + "parameters:\n  x: hidden_size / 0":                             `line 4: key "parameters.x": "hidden_size / 0"`,
		describedLlama + "graph:\n  layer.mixer.soft_cap: 3":                             `line 4: key "graph.layer.mixer.soft_cap": the model has no such field`,
		describedLlama + "graph:\n  layer.mixer.mask.window: 2.5":                        `line 4: key "graph.layer.mixer.mask.window": 2.5 is not a count`,
		describedLlama + "graph:\n  layer.mixer: 3":                                      `line 4: key "graph.layer.mixer": it holds several values`,
		describedLlama + "graph:\n  layer.mix_post: 3 + 4":                               `a norm is the name of its tensor, or none`,
		describedLlama + "graph:\n  layer.feed.activation: selu":                         `line 4: key "graph.layer.feed.activation"`,
		describedLlama + "graph:\n  layer.mixer.mask.window: layer_types[9]":             `a list of 3 has no item 9`,
		describedLlama + "tensors:\n  \"*.q_proj.weight\": {shape: [rows, hidden_size]}": `line 4: key "tensors.*.q_proj.weight.shape": "rows": nothing says what rows is`,
	} {
		a, err := readDescription(text)
		if err == nil {
			config := parse(t, `{"architectures": ["NewForCausalLM"], "layer_types": ["a", "b", "c"], `+small+`}`).As(hf.Reading{Description: text, File: "new.yaml"})
			var h Hyper
			if h, err = FromConfig(config); err == nil {
				_, err = Describe(a, h)
			}
		}
		if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "new.yaml") {
			t.Errorf("%q:\n%v, want one that says\n%s", text, err, want)
		}
	}
}

// TestADescriptionIsItsValue: what the files describe is what the values of the
// same families do, field by field, for configurations that say all or little.
func TestADescriptionIsItsValue(t *testing.T) {
	files, err := filepath.Glob("testdata/described/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r := hf.Reading{Description: string(text), File: file}
		a, err := Described(r)
		if err != nil {
			t.Fatal(err)
		}
		value, _ := ByName(a.Name)
		if !slices.Contains(value.Classes, a.Classes[0]) || a.Vocabulary.Llama != value.Vocabulary.Llama || a.Vocabulary.EOT != value.Vocabulary.EOT {
			t.Errorf("%s: %+v, want %+v", file, a.Vocabulary, value.Vocabulary)
		}
		for _, more := range []string{
			``, `, "attn_logit_softcapping": 20.0, "final_logit_softcapping": null, "sliding_window": 64, "rms_norm_eps": 1e-4`,
			`, "layer_types": ["full_attention", "sliding_attention", "sliding_attention"], "rope_theta": 5e5, "head_dim": 8, "query_pre_attn_scalar": 24`,
		} {
			config := parse(t, `{"architectures": ["`+a.Classes[0]+`"], `+small+more+`}`)
			if got, want := describedModel(t, a, config.As(r)), describedModel(t, value, config); len(Differences(got, want)) > 0 {
				t.Errorf("%s with %s: %q", file, more, Differences(got, want))
			}
		}
	}
}

func describedModel(t *testing.T, a Arch, config hf.Config) Model {
	t.Helper()
	h, err := FromConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Describe(a, h)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFormulas(t *testing.T) {
	names := scope(func(name string) (any, bool) {
		v, ok := map[string]any{"a": 3.0, "b.c": 4.0, "yes": true, "list": []any{"x", "y", 2.0}, "word": "x", "rope.type": 5.0}[name]
		return v, ok
	})
	for text, want := range map[string]any{
		"1 + 2*a": 7.0, "-a % 2": -1.0, "sqrt(b.c) / 4": 0.5, "min(a, 2) + max(a, 5)": 7.0, "floor(7 / 2) * 5e-1": 1.5,
		"when(a > 2, 10, nothing)": 10.0, "when(a < 2 || a >= 4, nothing, 11)": 11.0, "or(nothing, 5)": 5.0, "or(a, nothing)": 3.0,
		"given(a) && !given(nothing)": true, "list[1] == \"y\"": true, "word != list[0]": false, "list[2] + 1": 3.0, "yes": true, "yes == true": true,
		"key(\"rope.type\")": 5.0, "a == 3 && b.c != 3": true, "1_000": 1000.0, "(a)": 3.0, "+a": 3.0, "word == 3": false,
	} {
		f, err := parseFormula(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := f.value(names); err != nil || got != want {
			t.Errorf("%s is %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "a.(b)", "[]int{1}", "func() int { return 1 }()", "a[1:2]", "\"x\" + 1", "list[3]", "list[0.5]", "a[0]", "^a", "a << 2", "&a", "nothing", "1 / 0", "5 % 0", "'c'", "os.Exit(1)", "a(1)", "word < 3"} {
		f, err := parseFormula(text)
		if err == nil {
			_, err = f.value(names)
		}
		if err == nil {
			t.Errorf("%s has a value", text)
		}
	}
	var read []string
	f, _ := parseFormula(`when(a > b.c, list[layer], key("rope.type") + sqrt(x))`)
	f.names(func(name string) { read = append(read, name) })
	if slices.Sort(read); !slices.Equal(read, []string{"a", "b.c", "layer", "list", "rope.type", "x"}) {
		t.Errorf("names %q", read)
	}
}

// FuzzDescription: no text ends otherwise than with an architecture or an error
// of the caller's.
func FuzzDescription(f *testing.F) {
	files, _ := filepath.Glob("testdata/described/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := readDescription(text)
		if err != nil {
			if !errors.Is(err, fault.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		config := parse(t, `{"architectures": ["`+"C"+`"], `+small+`}`)
		h, err := FromConfig(config.As(hf.Reading{Class: a.Classes[0], Description: text, File: "new.yaml"}))
		if err == nil {
			_, _ = Describe(a, h)
			_ = a.CommonParams()
		}
	})
}
