package convert

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/tiny"
)

// TestRefusesWhatAFileCannotExpress changes one key of a sound configuration:
// the plan fails, and the error names the key.
func TestRefusesWhatAFileCannotExpress(t *testing.T) {
	fixtures := map[string]models.Fixture{}
	for _, f := range models.All(t) {
		fixtures[f.Name] = f
	}
	for _, test := range []struct {
		fixture string
		change  map[string]any
		key     string
	}{
		{"deepseek-v2", map[string]any{"norm_topk_prob": true}, "norm_topk_prob"},
		{"deepseek-v2", map[string]any{"topk_method": "greedy"}, "topk_method"},
		{"deepseek-v3", map[string]any{"scoring_func": "softmax"}, "scoring_func"},
		{"llama2", map[string]any{"hidden_act": "gelu"}, "hidden_act"},
		{"llama4-scout", map[string]any{"use_qk_norm": false}, "use_qk_norm"},
		{"deepseek-v3", map[string]any{"rope_interleave": false}, "rope_interleave"},
		{"deepseek-moe", map[string]any{"moe_layer_freq": 2}, "moe_layer_freq"},
		{"smollm3", map[string]any{"no_rope_layers": nil, "no_rope_layer_interval": 2}, "no_rope_layers"},
	} {
		t.Run(test.fixture+" "+test.key, func(t *testing.T) {
			dir := fixtures[test.fixture].Unpack(t)
			edit(t, dir, test.change)
			ckpt, err := hf.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			defer ckpt.Close()
			_, err = NewPlan(t.Context(), ckpt, Options{Type: F32})
			if !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), test.key) {
				t.Errorf("error %v, want one that names %s", err, test.key)
			}
		})
	}
}

// TestRefusesLayersThatAFileCannotTell has experts in layers where a file's
// reader does not expect them, with the tensors that go with that.
func TestRefusesLayersThatAFileCannotTell(t *testing.T) {
	for key, value := range map[string]string{"decoder_sparse_step": "2", "mlp_only_layers": "[1]"} {
		dir := t.TempDir()
		config := strings.Replace(tiny.Config("Qwen2MoeForCausalLM"), "{", `{"`+key+`": `+value+`, `, 1)
		if err := tiny.WriteConfig(dir, config, 1); err != nil {
			t.Fatal(err)
		}
		ckpt, err := hf.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		if _, err = NewPlan(t.Context(), ckpt, Options{Type: F32}); !errors.Is(err, fault.ErrUnsupported) || !strings.Contains(err.Error(), key) {
			t.Errorf("error %v, want one that names %s", err, key)
		}
	}
}

// edit changes keys of a folder's config.json, in the text model's part where
// there is one.
func edit(t *testing.T, dir string, change map[string]any) {
	t.Helper()
	name := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	part, ok := config["text_config"].(map[string]any)
	if !ok {
		part = config
	}
	maps.Copy(part, change)
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
