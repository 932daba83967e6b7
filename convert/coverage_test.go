package convert

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/tiny"
)

// llama31 is the rotary embedding of Llama 3.1 8B.
var llama31 = arch.Hyper{HeadDim: 128, Rope: arch.Rope{
	Base: 500000, Scaling: "llama3", Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4, OriginalContext: 8192,
}}

func mustArch(t *testing.T, class string) arch.Arch {
	t.Helper()
	a, ok := arch.ByClass(class)
	if !ok {
		t.Fatalf("no class %s", class)
	}
	return a
}

// smallLlama is the configuration of the models below.
func smallLlama() map[string]any {
	return map[string]any{
		"architectures": []string{"LlamaForCausalLM"}, "vocab_size": 300, "hidden_size": 64, "intermediate_size": 96,
		"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
	}
}

// TestRefusesWhatItCannotCover changes one thing about a sound checkpoint and
// looks at the error: its class, and what it names.
func TestRefusesWhatItCannotCover(t *testing.T) {
	type tensors = []safetensors.Tensor
	rename := func(from, to string) func(tensors) tensors {
		return func(all tensors) tensors {
			for i := range all {
				all[i].Name = strings.Replace(all[i].Name, from, to, 1)
			}
			return all
		}
	}
	drop := func(part string) func(tensors) tensors {
		return func(all tensors) tensors {
			var kept tensors
			for _, t := range all {
				if !strings.Contains(t.Name, part) {
					kept = append(kept, t)
				}
			}
			return kept
		}
	}
	reshape := func(part string, shape ...int64) func(tensors) tensors {
		return func(all tensors) tensors {
			for i := range all {
				if strings.Contains(all[i].Name, part) {
					all[i].Shape = shape
				}
			}
			return all
		}
	}
	same := func(all tensors) tensors { return all }
	for name, test := range map[string]struct {
		config  func(map[string]any)
		tensors func(tensors) tensors
		files   []string
		class   error
		words   []string
	}{
		"unknown class": {
			config: func(c map[string]any) { c["architectures"] = []string{"LamaForCausalLM"} }, tensors: same,
			class: fault.ErrUnsupported, words: []string{"LamaForCausalLM", "LlamaForCausalLM", "docs/adding-an-architecture.md"},
		},
		"missing key": {
			config: func(c map[string]any) { delete(c, "hidden_size") }, tensors: same,
			class: fault.ErrCorrupt, words: []string{"config.json", `"hidden_size"`},
		},
		"heads do not divide": {
			config: func(c map[string]any) { c["num_key_value_heads"] = 3 }, tensors: same,
			class: fault.ErrCorrupt, words: []string{"4 query heads", "3 key heads"},
		},
		"all leftovers at once": {
			tensors: rename("up_proj.weight", "up_proj.novel"),
			class:   fault.ErrCorrupt, words: []string{"model.layers.{0-2}.mlp.up_proj.novel", "missing", "model.layers.{0-2}.mlp.up_proj.weight"},
		},
		"missing layer": {
			tensors: drop("layers.1."),
			class:   fault.ErrCorrupt, words: []string{"missing: 9 tensors", "model.layers.1.self_attn.q_proj.weight"},
		},
		"output matrix that is not tied": {
			tensors: drop("lm_head"),
			class:   fault.ErrCorrupt, words: []string{"missing: 1 tensor", "lm_head.weight"},
		},
		"absurd number of layers": {
			config: func(c map[string]any) { c["num_hidden_layers"] = 1 << 30 }, tensors: same,
			class: fault.ErrCorrupt, words: []string{"1073741824 layers"},
		},
		"GPTQ": {
			tensors: rename("up_proj.weight", "up_proj.g_idx"),
			class:   fault.ErrCorrupt, words: []string{"GPTQ", "up_proj.g_idx"},
		},
		"AWQ without codes": {
			config:  func(c map[string]any) { c["quantization_config"] = map[string]any{"quant_method": "awq"} },
			tensors: rename("up_proj.weight", "up_proj.qweight"),
			class:   fault.ErrCorrupt, words: []string{"declares AWQ,", "plain floats"},
		},
		"a method that is not read, by its own word": {
			config:  func(c map[string]any) { c["quantization_config"] = map[string]any{"quant_method": "newq"} },
			tensors: rename("up_proj.weight", "up_proj.codes"),
			class:   fault.ErrUnsupported, words: []string{"quantized by newq,"},
		},
		"bitsandbytes": {
			tensors: rename("up_proj.weight", "up_proj.weight.absmax"),
			class:   fault.ErrCorrupt, words: []string{"bitsandbytes"},
		},
		"wrong prefix": {
			tensors: rename("model.layers.", "transformer.layers."),
			class:   fault.ErrCorrupt, words: []string{`"transformer."`, `"model."`},
		},
		"LoRA adapter": {
			tensors: rename("q_proj.weight", "q_proj.lora_A.weight"), files: []string{"adapter_config.json"},
			class: fault.ErrUnsupported, words: []string{"LoRA", "LoRA adapter"},
		},
		"vocabulary does not fit": {
			tensors: reshape("embed_tokens", 301, 64),
			class:   fault.ErrCorrupt, words: []string{"model.safetensors", "embed_tokens", "301", "300"},
		},
		"shape does not fit": {
			tensors: reshape("1.self_attn.k_proj.weight", 64, 64),
			class:   fault.ErrCorrupt, words: []string{"model.layers.1.self_attn.k_proj.weight", "[64 64]", "[32 64]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := smallLlama()
			sound := readHyper(t, config)
			if test.config != nil {
				test.config(config)
			}
			files := fstest.MapFS{"config.json": {Data: encode(t, config)}}
			for _, name := range test.files {
				files[name] = &fstest.MapFile{Data: []byte("{}")}
			}
			all := test.tensors(tiny.Tensors(mustArch(t, "LlamaForCausalLM"), sound, dtype.F16))
			folder, err := tiny.HeadersOnly(all, files)
			if err != nil {
				t.Fatal(err)
			}
			ckpt, err := hf.OpenFS(t.Context(), folder, "tested")
			if err != nil {
				t.Fatal(err)
			}
			defer ckpt.Close()
			_, err = NewPlan(t.Context(), ckpt, Options{Type: Auto, NoVocabulary: true})
			if !errors.Is(err, test.class) {
				t.Fatalf("error %v, want class %v", err, test.class)
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not name %s", err, word)
				}
			}
		})
	}
}

func readHyper(t *testing.T, config map[string]any) arch.Hyper {
	t.Helper()
	parsed, err := tiny.ParseConfig(encode(t, config))
	if err != nil {
		t.Fatal(err)
	}
	h, err := arch.FromConfig(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRefusesMoreTokensThanRows names the tokenizer's size, that of
// config.json, and the embedding's.
func TestRefusesMoreTokensThanRows(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Write(dir, "Qwen2ForCausalLM", 1); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(string(text), `"vocab_size": 300`, `"vocab_size": 290`, 1)
	parsed, err := tiny.ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	h, err := arch.FromConfig(parsed)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := tiny.HeadersOnly(tiny.Tensors(mustArch(t, h.Class), h, dtype.F16), fstest.MapFS{
		"config.json": {Data: []byte(config)}, "tokenizer.json": {Data: tokens},
	})
	if err != nil {
		t.Fatal(err)
	}
	ckpt, err := hf.OpenFS(t.Context(), folder, "tested")
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	_, err = NewPlan(t.Context(), ckpt, Options{Type: Auto})
	if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "300") || !strings.Contains(err.Error(), "290") {
		t.Errorf("error %v, want a corrupt input naming 300 and 290", err)
	}
}
