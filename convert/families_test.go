package convert

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
)

// beyond lists, by architecture or fixture, the key-value that a file of mq has beside the
// reference converter's.
var beyond = map[string]string{
	"qwen":    "qwen.attention.layer_norm_rms_epsilon", // llama.cpp refuses a file without it
	"gptneox": "general.file_type",                     // every other file has it
	"mpt":     "general.file_type",

	"glm4.7-flash": "deepseek2.expert_gating_func", // llama.cpp infers it from the published model's sizes alone
}

// decoded are checkpoints in 4 bits: the reference converter writes what it has
// decoded after all else.
var decoded = []string{"kimi-k2.5"}

// TestFamiliesEqualReferenceConverter plans the checkpoint of every family
// and compares key-values and tensors, order included, with the reference.
func TestFamiliesEqualReferenceConverter(t *testing.T) {
	for _, f := range models.All(t) {
		t.Run(f.Name, func(t *testing.T) {
			if len(f.Tensors) == 0 {
				t.Skip(f.Note)
			}
			ckpt, err := hf.Open(t.Context(), f.Unpack(t))
			if err != nil {
				t.Fatal(err)
			}
			defer ckpt.Close()
			native := ckpt.Layout() == hf.MistralNative // the fixtures have no tokenizer in its form
			asked, _ := ParseFileType(f.Type)           // f32 where it has none
			p, err := NewPlan(t.Context(), ckpt, Options{Type: asked, NoVocabulary: native, Encoder: encoder})
			if err != nil {
				t.Fatal(err)
			}
			var got, want []kvLine
			for _, kv := range p.KVs {
				if kv.Key != beyond[f.Name] && kv.Key != beyond[p.Arch.Name] {
					got = append(got, describe(kv))
				}
			}
			for _, line := range f.KV {
				want = append(want, line)
			}
			if native {
				want = slices.DeleteFunc(want, func(l kvLine) bool { return strings.HasPrefix(l[0].(string), "tokenizer.") })
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("key-values (-reference +mq):\n%s", d)
			}
			var tensors []tensorLine
			for _, line := range f.Tensors {
				tensors = append(tensors, line)
			}
			made := digestTensors(t, p)
			if slices.Contains(decoded, f.Name) {
				byName := func(a, b tensorLine) int { return strings.Compare(a[0].(string), b[0].(string)) }
				slices.SortFunc(tensors, byName)
				slices.SortFunc(made, byName)
			}
			if d := cmp.Diff(tensors, made); d != "" {
				t.Errorf("tensors (-reference +mq):\n%s", d)
			}
		})
	}
}

// TestSaysThatAChatTemplateIsMissing takes it away from DeepSeek V4, which is
// published without one.
func TestSaysThatAChatTemplateIsMissing(t *testing.T) {
	for _, f := range models.All(t) {
		if f.Name != "deepseek-v4" {
			continue
		}
		dir := f.Unpack(t)
		if err := os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(`{"tokenizer_class": "PreTrainedTokenizerFast"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		ckpt, err := hf.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		p, err := NewPlan(t.Context(), ckpt, Options{Type: F32})
		if err != nil {
			t.Fatal(err)
		}
		if p.KVs.Has("tokenizer.chat_template") || !strings.Contains(strings.Join(p.Warnings, " "), "no chat template") {
			t.Errorf("warnings %q", p.Warnings)
		}
	}
}
