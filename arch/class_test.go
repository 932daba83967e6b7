package arch

import (
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/hf"
)

func classOf(t *testing.T, text string) (string, error) {
	t.Helper()
	config, err := hf.ParseConfig([]byte(text), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	return Class(config)
}

// TestModelTypeTellsTheClass where config.json names none: transformers'
// model types and its classes for causal language models.
func TestModelTypeTellsTheClass(t *testing.T) {
	types := map[string]string{
		"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "mixtral": "MixtralForCausalLM", "smollm3": "SmolLM3ForCausalLM",
		"ministral3": "Ministral3ForCausalLM", "llama4_text": "Llama4ForCausalLM", "deepseek": "DeepseekForCausalLM",
		"deepseek_v2": "DeepseekV2ForCausalLM", "deepseek_v3": "DeepseekV3ForCausalLM", "deepseek_v32": "DeepseekV32ForCausalLM",
		"deepseek_v4": "DeepseekV4ForCausalLM", "qwen": "QWenLMHeadModel", "qwen2": "Qwen2ForCausalLM", "qwen2_moe": "Qwen2MoeForCausalLM",
		"qwen3": "Qwen3ForCausalLM", "qwen3_moe": "Qwen3MoeForCausalLM", "qwen3_next": "Qwen3NextForCausalLM",
		"qwen3_5_text": "Qwen3_5ForCausalLM", "qwen3_5_moe_text": "Qwen3_5MoeForCausalLM", "qwen2_vl": "Qwen2VLForConditionalGeneration",
		"qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration", "qwen3_vl": "Qwen3VLForConditionalGeneration",
		"qwen3_vl_moe": "Qwen3VLMoeForConditionalGeneration",
	}
	nested := map[string]string{
		"llama4": "Llama4ForConditionalGeneration", "mistral3": "Mistral3ForConditionalGeneration", "mllama": "MllamaForConditionalGeneration",
		"qwen3_5": "Qwen3_5ForConditionalGeneration", "qwen3_5_moe": "Qwen3_5MoeForConditionalGeneration", "qwen3_vl": "Qwen3VLForConditionalGeneration",
	}
	for _, silent := range []string{``, `"architectures": null, `, `"architectures": [], `, `"architectures": ["PeftModelForCausalLM"], `, `"architectures": ["AutoModelForCausalLMWithValueHead"], `} {
		for kind, want := range types {
			if got, err := classOf(t, `{`+silent+`"model_type": "`+kind+`"}`); got != want || err != nil {
				t.Errorf("%s %s: %q, %v, want %s", silent, kind, got, err, want)
			}
		}
		for kind, want := range nested {
			if got, err := classOf(t, `{`+silent+`"model_type": "`+kind+`", "text_config": {}}`); got != want || err != nil {
				t.Errorf("%s %s of several modalities: %q, %v, want %s", silent, kind, got, err, want)
			}
		}
	}
}

func TestNamedClassesGoBeforeModelTypes(t *testing.T) {
	for text, want := range map[string]string{
		`{"architectures": ["LlamaForCausalLM"], "model_type": "mistral"}`:  "LlamaForCausalLM",
		`{"architectures": ["UnknownForCausalLM"], "model_type": "llama"}`:  "UnknownForCausalLM",
		`{"architectures": ["FSDPQwen3ForCausalLM"], "model_type": "x"}`:    "Qwen3ForCausalLM",
		`{"architectures": ["FSDPUnknown"], "model_type": "llama"}`:         "FSDPUnknown",
		`{"architectures": ["PeftModelForCausalLM"], "model_type": "none"}`: "PeftModelForCausalLM",
	} {
		if got, err := classOf(t, text); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %s", text, got, err, want)
		}
	}
	for text, says := range map[string]string{
		`{}`: `"model_type" no known model`, `{"model_type": "none"}`: `"model_type" no known model`, `{"model_type": 1}`: "want a string", `{"architectures": "x"}`: "want a list",
	} {
		if got, err := classOf(t, text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}
