package forward

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
)

// FuzzOpen changes the header of a small file: whatever opens, runs.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"llama", "deepseek-v3", "qwen35moe"} {
		file, err := gguf.Open(converted(f, name))
		if err != nil {
			f.Fatal(err)
		}
		kvs := file.KVs().Clone()
		for _, kv := range file.KVs() { // the vocabulary only makes the header long
			if bytes.HasPrefix([]byte(kv.Key), []byte("tokenizer.")) || bytes.HasPrefix([]byte(kv.Key), []byte("general.n")) {
				kvs.Delete(kv.Key)
			}
		}
		plan, err := gguf.NewPlan(kvs, file.Tensors())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plan.HeaderBytes())
		file.Close()
	}
	path := filepath.Join(f.TempDir(), "fuzzed.gguf")
	f.Fuzz(func(t *testing.T, header []byte) {
		data := append(bytes.Clone(header), make([]byte, 1<<20)...)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Open(t.Context(), path, Options{Run: Run{Workers: 1}})
		if err != nil {
			return
		}
		defer m.Close()
		if _, err := m.Logits(context.Background(), []int32{0, 1, 2}, 1); err != nil {
			t.Log(err)
		}
	})
}
