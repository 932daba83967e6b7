package convert

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/internal/tiny"
)

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
		if _, ok := arch.ByClass(class); !ok {
			continue
		}
		planned++
		t.Run(name, func(t *testing.T) {
			p := planHeaders(t, name, text)
			if p.Type != BF16 {
				t.Errorf("type %v, want bf16", p.Type)
			}
			checkSize(t, p, realSizes[name])
		})
	}
	if planned == 0 {
		t.Error("no configuration is supported")
	}
}

// checkSize compares the number of weights with the one that a model is known
// for.
func checkSize(t *testing.T, p *Plan, want string) {
	t.Helper()
	var infos []gguf.TensorInfo
	for _, s := range p.Streams {
		infos = append(infos, s.TensorInfo)
	}
	n := countWeights(infos).total
	if got := rounded(n); got != want {
		t.Errorf("size %s (%d), want %s", got, n, want)
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
	"microsoft--Phi-3-mini-128k-instruct":            "3.8B",
	"microsoft--phi-4":                               "15B",
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
	"openai--gpt-oss-20b":                            "21B",
	"google--gemma-4-26B-A4B":                        "25B",
}

// TestKnowsRealShardIndex holds the templates to the tensor names of a real
// checkpoint.
func TestKnowsRealShardIndex(t *testing.T) {
	const name = "mistralai--Devstral-Small-2507"
	read := func(file string) hf.Config {
		text, err := os.ReadFile(shared.Path(t, "data", "configs", name+file))
		if err != nil {
			t.Fatal(err)
		}
		config, err := tiny.ParseConfig(text)
		if err != nil {
			t.Fatal(err)
		}
		return config
	}
	config := read("_config.json")
	h, err := arch.FromConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := arch.ByClass(h.Class)
	var want, got []string
	index, _ := read("_model.safetensors.index.json").Sub("weight_map")
	for tensor := range index.Values() {
		want = append(want, tensor)
	}
	for _, x := range tiny.Tensors(a, h, dtype.BF16) {
		if !strings.HasSuffix(x.Name, ".bias") { // optional ones
			got = append(got, x.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("names (-index +templates):\n%s", d)
	}
}

// TestPlansReal4BitRelease holds the templates to the tensor names of gpt-oss
// as it is published, and plans it: more than half of it keeps its 4 bits.
func TestPlansReal4BitRelease(t *testing.T) {
	const name = "openai--gpt-oss-20b"
	text, err := os.ReadFile(shared.Path(t, "data", "configs", name+"_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := tiny.ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	h, err := arch.FromConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := arch.ByClass(h.Class)
	var tensors []safetensors.Tensor
	for _, x := range tiny.Tensors(a, h, dtype.BF16) {
		base, ofExperts := strings.CutSuffix(x.Name, "_proj")
		if !ofExperts {
			tensors = append(tensors, x)
			continue
		}
		columns, rows := x.Shape[1], x.Shape[2]
		tensors = append(tensors,
			safetensors.Tensor{Name: base + "_proj_blocks", DType: dtype.U8, Shape: []int64{x.Shape[0], rows, columns / 32, 16}},
			safetensors.Tensor{Name: base + "_proj_scales", DType: dtype.U8, Shape: []int64{x.Shape[0], rows, columns / 32}})
	}
	index, err := os.ReadFile(shared.Path(t, "data", "configs", name+"_model.safetensors.index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var listed struct {
		Names map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(index, &listed); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range tensors {
		got = append(got, x.Name)
	}
	slices.Sort(got)
	if d := cmp.Diff(slices.Sorted(maps.Keys(listed.Names)), got); d != "" {
		t.Errorf("names (-index +templates):\n%s", d)
	}
	p := planTensors(t, name, text, tensors)
	var infos []gguf.TensorInfo
	for _, s := range p.Streams {
		infos = append(infos, s.TensorInfo)
	}
	if size := rounded(countWeights(infos).total); p.Type != mixed || size != "21B" || p.Quantized.Exact[gguf.TypeMXFP4] != 3*h.Layers {
		t.Errorf("type %v, size %s, %v exact", p.Type, size, p.Quantized.Exact)
	}
}

// TestNamesEqualRealConversions holds targets and key-values to those of real
// conversions of whole models.
func TestNamesEqualRealConversions(t *testing.T) {
	for file, configFile := range map[string]string{
		"Mixtral-8x7B-Instruct-v0.1": "mistralai--Mixtral-8x7B-v0.1",
	} {
		data, err := os.ReadFile(shared.Path(t, "data", "configs", "golden-ollama", file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var golden map[string]string
		if err := json.Unmarshal(data, &golden); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(shared.Path(t, "data", "configs", configFile+"_config.json"))
		if err != nil {
			t.Fatal(err)
		}
		p := planHeaders(t, file, text)
		for _, s := range p.Streams {
			if _, ok := golden[s.Name]; !ok && !strings.HasSuffix(s.Name, ".bias") { // optional ones
				t.Errorf("%s: tensor %s is in no real conversion", file, s.Name)
			}
			delete(golden, s.Name)
		}
		for _, kv := range p.KVs {
			want, ok := golden[kv.Key]
			if ok && kv.Key != "general.file_type" && fmt.Sprint(kv.Value) != want {
				t.Errorf("%s: %s is %v, real conversion has %s", file, kv.Key, kv.Value, want)
			}
			delete(golden, kv.Key)
		}
		for key := range golden {
			if !strings.HasPrefix(key, "tokenizer.") {
				t.Errorf("%s: real conversion has %s", file, key)
			}
		}
	}
}

// planHeaders plans a full-size checkpoint of a configuration.
func planHeaders(t *testing.T, name string, text []byte) *Plan {
	t.Helper()
	config, err := tiny.ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	h, err := arch.FromConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := arch.ByClass(h.Class)
	return planTensors(t, name, text, tiny.Tensors(a, h, dtype.BF16))
}

// planTensors plans a checkpoint of which there are only headers.
func planTensors(t *testing.T, name string, text []byte, tensors []safetensors.Tensor) *Plan {
	t.Helper()
	folder, err := tiny.HeadersOnly(tensors, fstest.MapFS{"config.json": {Data: text}})
	if err != nil {
		t.Fatal(err)
	}
	ckpt, err := hf.OpenFS(t.Context(), folder, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	p, err := NewPlan(t.Context(), ckpt, Options{Type: Auto, NoVocabulary: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
