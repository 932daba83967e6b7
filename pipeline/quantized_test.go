package pipeline

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/quantized"
	"github.com/f190792d/mq/internal/tiny"
	"github.com/f190792d/mq/quantize"
)

// TestFilesOfACheckpointInF32AreMadeAgain: the converter writes some types from
// the checkpoint's own values, and others are quantized from BF16.
func TestFilesOfACheckpointInF32AreMadeAgain(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	if err := tiny.Write(dir, "LlamaForCausalLM", 3); err != nil {
		t.Fatal(err)
	}
	for _, names := range []string{"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q8_0 Q5_0"} {
		o := Options{Out: filepath.Join(out, names+"{type}.gguf")}
		for name := range strings.FieldsSeq(names) {
			r, err := quantize.ParseRecipe(name)
			if err != nil {
				t.Fatal(err)
			}
			o.Recipes = append(o.Recipes, r)
		}
		write(t, dir, o)
		for _, r := range o.Recipes {
			again, err := Rederive(t.Context(), strings.ReplaceAll(o.Out, "{type}", r.Name), dir, RederiveOptions{})
			if err != nil || len(again) != 0 {
				t.Errorf("%s made again: %v, %v", r.Name, again, err)
			}
		}
	}
}

// TestCodesOfAQuantizedCheckpointAreKept converts one in its own precision and
// to several types: matrices whose type holds their codes are the same in all
// of these files, and each file can be made again.
func TestCodesOfAQuantizedCheckpointAreKept(t *testing.T) {
	for _, f := range quantized.All(t) {
		if f.Name != "gptq-4" && f.Name != "awq-gemm" && f.Name != "bnb-nf4" {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			dir, out := f.Unpack(t), t.TempDir()
			files := map[string]*gguf.File{}
			names := []string{"auto", "Q4_K"}
			if f.Lossless != "" {
				names = append(names, f.Lossless)
			}
			for _, name := range names {
				o := Options{Out: filepath.Join(out, name+".gguf"), Verify: true}
				if name != "auto" {
					r, err := quantize.ParseRecipe(name)
					if err != nil {
						t.Fatal(err)
					}
					o.Recipes = []quantize.Recipe{r}
				}
				files[name] = run(t, dir, o)
				again, err := Rederive(t.Context(), o.Out, dir, RederiveOptions{})
				if err != nil || len(again) != 0 {
					t.Errorf("%q made again: %v, %v", name, again, err)
				}
			}
			if f.Lossless == "" {
				return
			}
			kept := 0
			for _, tensor := range files[f.Lossless].Tensors() {
				same, ok := files["auto"].Lookup(tensor.Name)
				if !ok || same.Type.String() != f.Lossless || tensor.Type != same.Type {
					continue
				}
				kept++
				if string(data(t, files[f.Lossless], tensor)) != string(data(t, files["auto"], same)) {
					t.Errorf("%s: not the checkpoint's codes", tensor.Name)
				}
			}
			if kept != len(f.Decoded) {
				t.Errorf("%d matrices keep their codes, want %d", kept, len(f.Decoded))
			}
		})
	}
}

// run converts a folder and opens the result.
func run(t *testing.T, dir string, o Options) *gguf.File {
	t.Helper()
	write(t, dir, o)
	file, err := gguf.Open(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// write converts a checkpoint.
func write(t *testing.T, dir string, o Options) {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	job, err := FromCheckpoint(t.Context(), ckpt, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func data(t *testing.T, f *gguf.File, info gguf.TensorInfo) []byte {
	t.Helper()
	p := make([]byte, info.Size())
	if _, err := f.ReadTensorAt(t.Context(), info, p, 0); err != nil {
		t.Fatal(err)
	}
	return p
}
