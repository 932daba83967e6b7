package convert

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
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

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
