package registrytest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
)

// WriteModel writes a GGUF file of one tensor into a folder of its own and
// returns its path.
func WriteModel(t testing.TB, name string, kvs gguf.KVs) string {
	t.Helper()
	plan, err := gguf.NewPlan(kvs, []gguf.TensorInfo{{Name: "a", Type: gguf.TypeF32, Shape: []int64{32, 63}}})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, plan)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 4*32*63)
	for i := range data {
		data[i] = byte(i * 7 % 61)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}
