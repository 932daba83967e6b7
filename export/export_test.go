package export

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/tiny"
	"github.com/f190792d/mq/quantize"
)

// converted writes a checkpoint as a file and opens it.
func converted(t *testing.T, dir, kind string) *gguf.File {
	t.Helper()
	return convertedWith(t, dir, kind, convert.Options{Type: convert.F32, ForQuantizer: true, NoVocabulary: true})
}

func convertedWith(t *testing.T, dir, kind string, o convert.Options) *gguf.File {
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
	plan, err := quantize.Keep("F32", p.KVs, infos)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), kind+".gguf")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := quantize.Run(t.Context(), p.Streams, []quantize.Output{{Plan: plan, Files: []io.WriterAt{out}}}, quantize.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// refused says of architectures what cannot be undone, in some models at least.
var refused = map[string]string{
	"deepseek32":      "prediction layers",
	"glm4moe":         "prediction layers",
	"glm-dsa":         "prediction layers, and layers that share the choice of keys",
	"ernie4_5-moe":    "config.json has names of its own for what experts have",
	"hunyuan-moe":     "config.json has names of its own for what experts have",
	"bailingmoe":      "config.json has names of its own for what experts have",
	"bailingmoe2":     "config.json has names of its own for what experts have",
	"apertus":         "the original context of a small model's llama3 scaling, and the numbers that the file lists by layer",
	"gemma-embedding": "that positions see those after them has a key of its own",
	"gemma3n":         "sizes of the branches have no keys, and sparsity has one of its own",
	"gemma4":          "sizes by layer have keys of their own",
	"chatglm":         "queries, keys and values of the old names lie in one tensor",
	"bert":            "the class and its epsilon are those of encoders",
	"nomic-bert":      "the class and its epsilon are those of encoders",
	"modern-bert":     "the class and its windows are those of encoders",
	"afmoe":           "config.json has names of its own for what experts have",
	"lfm2":            "the kinds of layers have keys of their own",
	"lfm2moe":         "the kinds of layers have keys of their own",
	"mamba2":          "state spaces have keys of their own",
	"falcon-h1":       "state spaces have keys of their own",
	"granitehybrid":   "state spaces have keys of their own",
	"exaone":          "the original context of a small model's llama3 scaling",
	"deepseek4":       "the compression of keys has no keys of its own",
	"falcon":          "old and new layers are told apart by config.json alone",
	"gpt-oss":         "rows of experts take turns within a turned matrix",
	"granitemoe":      "the width of shared experts has a key of its own",
	"llama":           "the original context of a small model's llama3 scaling, and adapters of vision models",
	"llama4":          "experts lie fused and turned",
	"minicpm":         "multipliers follow from keys of config.json",
	"mimo2":           "windows, key heads and prediction layers have keys of their own",
	"step35":          "query heads, rotations and limits by layer have keys of their own",
	"mistral3":        "a window that no file tells",
	"phimoe":          "how much the rotation of long contexts grows has a key of its own",
	"stablelm":        "the norms of each head lie in a tensor of its own",
	"qwen35":          "columns of linear attention are tiled",
	"qwen35moe":       "columns of linear attention are tiled",
	"qwen3next":       "columns of linear attention are tiled",
	"qwen3vlmoe":      "experts lie fused and turned",
	"deepseek2":       "the attention's temperature of Mistral Large 3",
}

// TestExportAndConversionUndoEachOther converts, exports and converts again:
// both files hold the same tensors.
func TestExportAndConversionUndoEachOther(t *testing.T) {
	check := func(t *testing.T, dir string) {
		first := converted(t, dir, "first")
		plan, err := NewPlan(t.Context(), first, Options{})
		if name, _ := first.KVs().String("general.architecture"); err != nil && refused[name] != "" {
			if !errors.Is(err, fault.ErrUnsupported) {
				t.Error(err)
			}
			return
		} else if err != nil {
			t.Fatal(err)
		}
		back := filepath.Join(t.TempDir(), "back")
		if err := plan.Write(t.Context(), back, nil); err != nil {
			t.Fatal(err)
		}
		second := converted(t, back, "second")
		for _, want := range first.Tensors() {
			got, ok := second.Lookup(want.Name)
			if !ok {
				t.Errorf("%s is missing", want.Name)
				continue
			}
			if want.Type != got.Type {
				continue // codes of a checkpoint in 4 bits come back as numbers
			}
			a, b := make([]byte, want.Size()), make([]byte, got.Size())
			if _, err := first.ReadTensorAt(t.Context(), want, a, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := second.ReadTensorAt(t.Context(), got, b, 0); err != nil {
				t.Fatal(err)
			}
			if string(a) != string(b) {
				t.Errorf("%s: other values", want.Name)
			}
		}
		if a, b := len(first.Tensors()), len(second.Tensors()); a != b {
			t.Errorf("%d tensors, want %d", b, a)
		}
	}
	for _, class := range tiny.Classes() {
		t.Run(class, func(t *testing.T) {
			dir := t.TempDir()
			if err := tiny.Write(dir, class, 9); err != nil {
				t.Fatal(err)
			}
			check(t, dir)
		})
	}
	for _, f := range models.All(t) {
		t.Run(f.Name, func(t *testing.T) { check(t, f.Unpack(t)) })
	}
}
