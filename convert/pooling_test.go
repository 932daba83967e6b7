package convert

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/tiny"
)

// TestPoolingIsWhatTheModulesSay holds the key to modules.json, in the form of
// flags and in that of names.
func TestPoolingIsWhatTheModulesSay(t *testing.T) {
	for _, c := range []struct {
		class, config string
		pooling       uint64 // 0: no key
		err           error
	}{
		{"BertModel", `{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}`, 1, nil},
		{"BertModel", `{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}`, 2, nil},
		{"Qwen3ForCausalLM", `{"pooling_mode": "lasttoken"}`, 3, nil},
		{"LlamaForCausalLM", `{"pooling_mode": "mean"}`, 0, nil}, // files of it have no such key
		{"BertModel", `{"pooling_mode": "max"}`, 0, fault.ErrUnsupported},
		{"BertModel", ``, 0, fault.ErrCorrupt},
	} {
		dir := t.TempDir()
		if err := tiny.Write(dir, c.class, 1); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "modules.json"), `[{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
			{"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]`)
		if c.config != "" {
			write(t, filepath.Join(dir, "1_Pooling", "config.json"), c.config)
		}
		ckpt, err := hf.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewPlan(t.Context(), ckpt, Options{Type: F32})
		ckpt.Close()
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %s: error %v, want %v", c.class, c.config, err, c.err)
		}
		if p == nil {
			continue
		}
		if got, _ := p.KVs.Uint(p.Arch.Name + ".pooling_type"); got != c.pooling {
			t.Errorf("%s: %s: pooling %d, want %d", c.class, c.config, got, c.pooling)
		}
	}
}

// TestMatricesBehindThePooling: those that a file has no place for are named,
// and those that compute something else are refused.
func TestMatricesBehindThePooling(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(dir string) error
		err    error
	}{
		{"as they are", func(string) error { return nil }, nil},
		{"one is missing", func(dir string) error { return os.Remove(filepath.Join(dir, "3_Dense", "model.safetensors")) }, fault.ErrCorrupt},
		{"an activation", edited("Identity", "Tanh"), fault.ErrUnsupported},
		{"a bias", edited("false", "true"), fault.ErrUnsupported},
		{"another shape", edited("80", "81"), fault.ErrCorrupt},
		{"no shape", edited("80", "-80"), fault.ErrCorrupt},
	} {
		dir := family(t, "embedding-gemma")
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := planOf(t, dir); !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.err)
		}
	}
	bert, other := family(t, "bert"), family(t, "embedding-gemma")
	if err := os.Remove(filepath.Join(bert, "modules.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(bert, "1_Pooling", "config.json")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"modules.json", "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"} {
		text, err := os.ReadFile(filepath.Join(other, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(bert, name), string(text))
	}
	p, err := planOf(t, bert)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Warnings, func(w string) bool { return strings.Contains(w, "2_Dense.linear.weight (a matrix after the pooling") }) {
		t.Errorf("no warning of a matrix that the file has no place for: %q", p.Warnings)
	}
}

// edited replaces a word of the second matrix's configuration.
func edited(old, new string) func(dir string) error {
	return func(dir string) error {
		name := filepath.Join(dir, "3_Dense", "config.json")
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(name, []byte(strings.Replace(string(text), old, new, 1)), 0o666)
	}
}

func family(t *testing.T, name string) string {
	t.Helper()
	all := models.All(t)
	return all[slices.IndexFunc(all, func(f models.Fixture) bool { return f.Name == name })].Unpack(t)
}

func planOf(t *testing.T, dir string) (*Plan, error) {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	return NewPlan(t.Context(), ckpt, Options{Type: F32})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
