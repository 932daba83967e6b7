package forward

import (
	"encoding/json"
	"maps"
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
	"qwen35-f16":     "norms plus one are rounded to float16, as the reference rounds them",
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

// A window that is not shorter than the context says nothing that a file
// without one leaves out.
func TestAWindowAsLongAsTheContextIsNoDifference(t *testing.T) {
	for _, name := range []string{"mistral", "mixtral", "qwen2", "qwen3"} {
		for _, c := range []struct {
			window int
			differ bool
		}{{64, false}, {65, false}, {4096, false}, {16, true}} {
			dir := unpack(t, filepath.Join(references, name+".zip"))
			edit(t, dir, map[string]any{"sliding_window": c.window, "max_position_embeddings": 64, "use_sliding_window": true, "max_window_layers": 0, "layer_types": nil})
			path := filepath.Join(t.TempDir(), "model.gguf")
			convertTo(t, dir, path, convert.F32)
			parts, err := open(t, path).CompareParts(t.Context(), open(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			differ := ""
			for _, p := range parts {
				if p.Mismatch != "" || !(p.Distance <= 1e-4) {
					differ = p.Name
				}
			}
			if (differ != "") != c.differ {
				t.Errorf("%s: a window of %d in a context of 64: differs %q", name, c.window, differ)
			}
		}
	}
}

// edit changes keys of config.json.
func edit(t *testing.T, dir string, keys map[string]any) {
	t.Helper()
	path := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]any{}
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	maps.Copy(config, keys)
	if data, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
