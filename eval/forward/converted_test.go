package forward

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// convertTo writes a checkpoint as a GGUF file of one type.
func convertTo(t testing.TB, dir, path string, kind convert.FileType) {
	t.Helper()
	convertWith(t, dir, path, convert.Options{Type: kind, ForQuantizer: true})
}

// convertWith writes a checkpoint as a GGUF file.
func convertWith(t testing.TB, dir, path string, o convert.Options) *convert.Plan {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	p, err := convert.NewPlan(t.Context(), ckpt, o)
	if err != nil {
		t.Fatal(err)
	}
	var infos []gguf.TensorInfo
	for _, s := range p.Streams {
		infos = append(infos, s.TensorInfo)
	}
	plan, err := gguf.NewPlan(p.KVs, infos)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := gguf.NewWriter(f, plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Streams {
		data := make([]byte, s.Size())
		if err := s.ReadRows(t.Context(), data, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

// lost says what llama.cpp does not read from a file, or always does, so that
// these checkpoints cannot give the same logits there.
var lost = map[string]string{
	"llama-yarn":     "the attention factor follows from the scaling factor",
	"qwen3moe":       "weights of experts are normalised",
	"qwen3moe-fused": "weights of experts are normalised",
}

func TestConvertedFilesEqualTransformers(t *testing.T) {
	files, err := filepath.Glob("testdata/transformers/*.json.gz")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files of logits, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		t.Run(name, func(t *testing.T) {
			dir := unpack(t, filepath.Join(references, name+".zip"))
			amplify(t, dir)
			path := filepath.Join(t.TempDir(), "model.gguf")
			convertTo(t, dir, path, convert.F32)
			if reason, ok := lost[name]; ok {
				t.Skip(reason)
			}
			prompts := readPrompts(t, file)
			if name == "mistral" {
				prompts = prompts[:1] // files of this architecture have no window
			}
			checkPrompts(t, open(t, path), prompts)
		})
	}
}
