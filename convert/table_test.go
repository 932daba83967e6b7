package convert

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
	p, err := NewPlan(ckpt, Options{Type: F32, NoVocabulary: strings.HasPrefix(class, arch.NativeMistral)})
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
		if !used[source.Name] && !p.Arch.Ignores(p.Arch.Canonical(source.Name, p.Hyper)) {
			t.Errorf("source tensor %q is in no stream", source.Name)
		}
	}
	back, err := arch.FromGGUF(p.KVs)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fileView(p.Hyper), fileView(back), cmpopts.EquateApprox(1e-6, 0)); d != "" {
		t.Errorf("hyperparameters (-config.json +key-values):\n%s", d)
	}
}

// fileView keeps what a file's key-values tell about a model.
func fileView(h arch.Hyper) arch.Hyper {
	h.Class, h.Tied, h.Untied, h.HasHeadDim, h.HasKVHeads = "", false, false, false, false
	h.Vocab = 0 // a key of some architectures, the tokenizer's length in the rest
	h.MoE.StatesFF, h.Index.StatesPredictions = false, false
	if h.Rope.Scaling == "llama3" { // a tensor in the file
		h.Rope = arch.Rope{Base: h.Rope.Base, Dim: h.Rope.Dim}
	}
	h.Rope.OriginalContext = 0
	h.Rope.Sections = append(h.Rope.Sections, make([]int, 4-len(h.Rope.Sections))...)
	h.Rope.MScale = 0 // equal to MScaleAllDim where a file can express it
	if h.MoE.Scale == 0 {
		h.MoE.Scale = 1
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
			if got, want := rounded(countWeights(infos).total), realSizes[name]; got != want {
				t.Errorf("size %s, want %s", got, want)
			}
		})
	}
	if planned == 0 {
		t.Error("no configuration is supported")
	}
}

// realSizes are the published sizes of the models.
var realSizes = map[string]string{
	"Llama-3.2-3B":                                   "3.2B",
	"Qwen2.5-3B":                                     "3.1B",
	"Qwen2.5-7B":                                     "7.6B",
	"Qwen2.5-14B":                                    "15B",
	"Qwen2.5-32B":                                    "33B",
	"Qwen--Qwen3-0.6B":                               "596M",
	"Qwen--Qwen3-8B":                                 "8.2B",
	"Qwen--Qwen3-30B-A3B":                            "31B",
	"Qwen--Qwen3-30B-A3B-FP8":                        "31B",
	"meta-llama--Meta-Llama-3.1-8B":                  "8.0B",
	"meta-llama--Meta-Llama-3.1-70B":                 "71B",
	"nvidia--Llama-3.1-70B-Instruct-FP8":             "71B",
	"meta-llama--Llama-4-Scout-17B-16E-Instruct":     "108B",
	"meta-llama--Llama-4-Maverick-17B-128E-Instruct": "401B",
	"mistralai--Mistral-7B-Instruct-v0.3":            "7.2B",
	"mistralai--Mixtral-8x7B-v0.1":                   "47B",
	"mistralai--Devstral-Small-2507":                 "24B",
	"deepseek-ai--DeepSeek-V3":                       "671B",
	"deepseek-ai--DeepSeek-R1":                       "671B",
	"nvidia--DeepSeek-V3.1-NVFP4":                    "671B",
}
