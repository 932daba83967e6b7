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
		"another model":      {"adapter_model.safetensors", "layers.0.self_attn.q_proj", "layers.7.self_attn.q_proj", fault.ErrCorrupt, []string{"layers.7.self_attn.q_proj", "another model"}},
		"only one factor":    {"adapter_model.safetensors", "layers.0.self_attn.q_proj.lora_A", "layers.0.self_attn.k_proj.lora_A", fault.ErrCorrupt, []string{"only one of the two factors"}},
		"an unknown tensor":  {"adapter_model.safetensors", "q_proj.lora_A.weight", "q_proj.lora_X.weighs", fault.ErrUnsupported, []string{"lora_X.weighs"}},
		"another rank":       {"adapter_config.json", `"r": 4`, `"r": 5`, fault.ErrCorrupt, []string{"rank 4", "5"}},
		"another kind":       {"adapter_config.json", `"peft_type": "LORA"`, `"peft_type": "IA3"`, fault.ErrUnsupported, []string{"IA3"}},
		"alpha is no number": {"adapter_config.json", `"lora_alpha": 8`, `"lora_alpha": "8"`, fault.ErrCorrupt, []string{"lora_alpha"}},
		"factors too wide":   {"adapter_model.safetensors", "layers.0.self_attn.v_proj", "layers.0.mlp.down_proj.xx", fault.ErrCorrupt, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := plain(t)
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
			_, err = merge(t, dir)
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

// plain unpacks the adapter without anything special.
func plain(t *testing.T) string {
	t.Helper()
	for _, f := range adapters.All(t) {
		if f.Name == "plain" {
			return f.Unpack(t)
		}
	}
	t.Fatal("there is no such fixture")
	return ""
}
