package convert

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"os"
	"path/filepath"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/convert/arch"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/internal/tiny"
)

// TestEveryArchitectureConverts builds a random checkpoint of every
// architecture from its templates and converts it: each source tensor ends in
// the file, every stream can be read, and the hyperparameters read back from
// the key-values are those of config.json.
func TestEveryArchitectureConverts(t *testing.T) {
	for _, a := range arch.All() {
		classes := slices.DeleteFunc(slices.Clone(a.Classes), func(c string) bool { return !slices.Contains(tiny.Classes(), c) })
		if len(classes) == 0 {
			t.Errorf("%s: no tiny checkpoint for any of %v", a.Name, a.Classes)
		}
		for _, class := range classes {
			t.Run(class, func(t *testing.T) { convertTiny(t, class) })
		}
	}
}

func convertTiny(t *testing.T, class string) {
	dir := t.TempDir()
	if err := tiny.Write(dir, class, 1); err != nil {
		t.Fatal(err)
	}
	ckpt, err := hf.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	p, err := NewPlan(ckpt, Options{Type: F32})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for i, s := range p.Streams {
		drain(t, s, io.Discard)
		for _, name := range p.Sources[i] {
			used[name] = true
		}
	}
	for _, source := range ckpt.Tensors() {
		if !used[source.Name] && !p.Arch.Ignores(p.Arch.Canonical(source.Name, class)) {
			t.Errorf("source tensor %q is in no stream", source.Name)
		}
	}
	back, err := arch.FromGGUF(p.KVs)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fileView(p.Hyper), fileView(back)); d != "" {
		t.Errorf("hyperparameters (-config.json +key-values):\n%s", d)
	}
}

// fileView keeps what a file's key-values tell about a model.
func fileView(h arch.Hyper) arch.Hyper {
	h.Class, h.Tied, h.HasHeadDim = "", false, false
	h.Vocab = 0 // a key of some architectures, the tokenizer's length in the rest
	if h.Rope.Scaling == "llama3" { // a tensor in the file
		h.Rope = arch.Rope{Base: h.Rope.Base, Dim: h.Rope.Dim}
	}
	h.Rope.OriginalContext = 0
	round := func(x *float64) { *x = float64(float32(*x)) }
	for _, x := range []*float64{&h.Eps, &h.Rope.Base, &h.Rope.Factor} {
		round(x)
	}
	return h
}

// TestPlansRealConfigurations plans full-size checkpoints of real
// configurations from headers alone.
func TestPlansRealConfigurations(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared.Path(t, "data", "configs"), "*_config.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no configurations", err)
	}
	planned := 0
	for _, file := range files {
		name, _ := strings.CutSuffix(filepath.Base(file), "_config.json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		config, err := tiny.ParseConfig(text)
		if err != nil {
			t.Fatal(err)
		}
		class, err := arch.Class(config)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := arch.ByClass(class)
		if !ok {
			continue
		}
		planned++
		t.Run(name, func(t *testing.T) {
			h, err := arch.FromConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			folder, err := tiny.HeadersOnly(tiny.Tensors(a, h, dtype.BF16), fstest.MapFS{"config.json": {Data: text}})
			if err != nil {
				t.Fatal(err)
			}
			ckpt, err := hf.OpenFS(folder, name)
			if err != nil {
				t.Fatal(err)
			}
			defer ckpt.Close()
			p, err := NewPlan(ckpt, Options{Type: Auto, NoVocabulary: true})
			if err != nil {
				t.Fatal(err)
			}
			if p.Type != BF16 {
				t.Errorf("type %v, want bf16", p.Type)
			}
			var infos []gguf.TensorInfo
			for _, s := range p.Streams {
				infos = append(infos, s.TensorInfo)
			}
			if want := realSizes[name]; countWeights(infos).label() != want {
				t.Errorf("size %s, want %s", countWeights(infos).label(), want)
			}
		})
	}
	if planned == 0 {
		t.Error("no configuration is supported")
	}
}

// realSizes are the published sizes of the models, as labels of their files.
var realSizes = map[string]string{
	"Llama-3.2-3B":                       "3.2B",
	"Qwen2.5-3B":                         "3.1B",
	"Qwen2.5-7B":                         "7.6B",
	"Qwen2.5-14B":                        "15B",
	"Qwen2.5-32B":                        "33B",
	"meta-llama--Meta-Llama-3.1-8B":      "8.0B",
	"meta-llama--Meta-Llama-3.1-70B":     "71B",
	"nvidia--Llama-3.1-70B-Instruct-FP8": "71B",
}
