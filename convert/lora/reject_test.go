package lora

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/fixtures/adapters"
)

// TestRefusesAdaptersThatDoNotFit changes one thing of a sound adapter: its
// configuration, or the name of a tensor for another of the same length.
func TestRefusesAdaptersThatDoNotFit(t *testing.T) {
	for name, test := range map[string]struct {
		file, from, to string
		class          error
		words          []string
	}{
		"another model":         {"adapter_model.safetensors", "layers.0.self_attn.q_proj", "layers.7.self_attn.q_proj", fault.ErrCorrupt, []string{"layers.7.self_attn.q_proj", "another model"}},
		"only one factor":       {"adapter_model.safetensors", "layers.0.self_attn.q_proj.lora_A", "layers.0.self_attn.k_proj.lora_A", fault.ErrCorrupt, []string{"only one of the two factors"}},
		"an unknown tensor":     {"adapter_model.safetensors", "q_proj.lora_A.weight", "q_proj.lora_X.weighs", fault.ErrUnsupported, []string{"lora_X.weighs"}},
		"another rank":          {"adapter_config.json", `"r": 4`, `"r": 5`, fault.ErrCorrupt, []string{"rank 4", "5"}},
		"another kind":          {"adapter_config.json", `"peft_type": "LORA"`, `"peft_type": "IA3"`, fault.ErrUnsupported, []string{"IA3"}},
		"alpha is no number":    {"adapter_config.json", `"lora_alpha": 8`, `"lora_alpha": "8"`, fault.ErrCorrupt, []string{"lora_alpha"}},
		"factors of the base":   {"adapter_config.json", `"init_lora_weights": true`, `"init_lora_weights": "pissa_niter_4"`, fault.ErrUnsupported, []string{"pissa_niter_4", "path_initial_model_for_weight_conversion"}},
		"after some tokens":     {"adapter_config.json", `"alora_invocation_tokens": null`, `"alora_invocation_tokens": [5, 6]`, fault.ErrUnsupported, []string{"alora_invocation_tokens"}},
		"repeated layers":       {"adapter_config.json", `"layer_replication": null`, `"layer_replication": [[0, 2], [1, 2]]`, fault.ErrUnsupported, []string{"layer_replication"}},
		"magnitudes of columns": {"adapter_config.json", `"fan_in_fan_out": false`, `"fan_in_fan_out": true`, fault.ErrUnsupported, []string{"DoRA"}},
		"parameters":            {"adapter_config.json", `"mlp.experts.down_proj"`, `"mlp.experts.left_proj"`, fault.ErrUnsupported, []string{"target_parameters", "merge_and_unload"}},
		"factors too wide":      {"adapter_model.safetensors", "layers.0.self_attn.v_proj", "layers.0.mlp.down_proj.xx", fault.ErrCorrupt, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := adapters.Named(t, "plain")
			if name == "parameters" {
				f = adapters.Named(t, "experts-numbered")
			}
			if strings.HasPrefix(name, "magnitudes") {
				f = adapters.Named(t, "dora")
			}
			dir := f.Unpack(t)
			path := filepath.Join(dir, test.file)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(data, []byte(test.from)) {
				t.Fatalf("%s does not say %s", test.file, test.from)
			}
			if err := os.WriteFile(path, bytes.ReplaceAll(data, []byte(test.from), []byte(test.to)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = merge(t, f, dir)
			if !errors.Is(err, test.class) {
				t.Fatalf("error %v, want one of class %v", err, test.class)
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not name %s", err, word)
				}
			}
		})
	}
}

// TestRefusesWhatATiedModelCannotHold takes models that the fixtures' adapters
// do not fit: one whose files have one matrix for embedding and output, and one
// whose output matrix gets factors.
func TestRefusesWhatATiedModelCannotHold(t *testing.T) {
	const embedding = "model.embed_tokens.weight"
	for name, test := range map[string]struct {
		adapter, from, to string
		tied              Model
		words             string
	}{
		"one matrix alone": {"parted", "", "", Model{Embedding: embedding}, "ensure_weight_tying"},
		"factors of both":  {"plain", "self_attn.q_proj", "self_att.lm_head", Model{Embedding: embedding, Head: "lm_head.weight"}, "tie_word_embeddings"},
	} {
		t.Run(name, func(t *testing.T) {
			f := adapters.Named(t, test.adapter)
			dir := f.Unpack(t)
			path := filepath.Join(dir, "adapter_model.safetensors")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if test.from != "" {
				data = bytes.ReplaceAll(data, []byte(test.from), []byte(test.to))
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			f.Model = "tied"
			_, err = mergeTied(t, f, test.tied, dir)
			if !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("error %v, want one that names %s", err, test.words)
			}
		})
	}
}
