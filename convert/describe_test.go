package convert

import (
	"regexp"
	"strings"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/tiny"
)

// TestAFileDescribesTheModelOfItsCheckpoint holds what config.json says of
// every class to what the key-values say that are written for it, field by
// field.
func TestAFileDescribesTheModelOfItsCheckpoint(t *testing.T) {
	for _, class := range tiny.Classes() {
		t.Run(class, func(t *testing.T) {
			dir := t.TempDir()
			if err := tiny.Write(dir, class, 1); err != nil {
				t.Fatal(err)
			}
			describesAlike(t, dir)
		})
	}
	for _, f := range models.All(t) {
		t.Run(f.Name, func(t *testing.T) { describesAlike(t, f.Unpack(t)) })
	}
}

// TestAnyEpsilonIsTaken changes the epsilon of the norms in every class: where
// a file has none for norms of another, that is a loss and no refusal.
func TestAnyEpsilonIsTaken(t *testing.T) {
	epsilon := regexp.MustCompile(`"(rms_norm_eps|layer_norm_eps|layer_norm_epsilon|layernorm_epsilon|norm_eps|norm_epsilon)": *[0-9.e-]+`)
	for _, class := range tiny.Classes() {
		t.Run(class, func(t *testing.T) {
			dir := t.TempDir()
			if err := tiny.WriteConfig(dir, epsilon.ReplaceAllString(tiny.Config(class), `"$1": 3e-5`), 1); err != nil {
				t.Fatal(err)
			}
			describesAlike(t, dir)
		})
	}
}

func describesAlike(t *testing.T, dir string) {
	ckpt, err := hf.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	p, err := NewPlan(t.Context(), ckpt, Options{Type: F32, NoVocabulary: ckpt.Layout() == hf.MistralNative})
	if err != nil {
		t.Fatal(err)
	}
	source, err := arch.Expressible(p.Arch, p.Hyper, arch.Losses(ckpt.Config(), p.Hyper))
	if err != nil {
		t.Fatal(err)
	}
	h, err := arch.FromGGUF(p.KVs)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := arch.ByName(p.Arch.Name)
	file, err := arch.Describe(a, h)
	if err != nil {
		t.Fatal(err)
	}
	if d := arch.Differences(file, source); len(d) > 0 {
		t.Errorf("the file and not its source:\n%s", strings.Join(d, "\n"))
	}
}

// TestKeysThatAClassDoesNotAskForChangeNothing: the routers of these classes in
// transformers 5.24 do not look at norm_topk_prob, and those of others do.
func TestKeysThatAClassDoesNotAskForChangeNothing(t *testing.T) {
	for class, asks := range map[string]bool{
		"MixtralForCausalLM": false, "GraniteMoeForCausalLM": false, "GraniteMoeHybridForCausalLM": false,
		"Qwen3VLMoeForConditionalGeneration": false, "Qwen3_5MoeForCausalLM": false,
		"Qwen2MoeForCausalLM": true, "Qwen3MoeForCausalLM": true, "Qwen3NextForCausalLM": true, "OlmoeForCausalLM": true, "DeepseekV3ForCausalLM": true,
	} {
		text := regexp.MustCompile(`"norm_topk_prob": *true`).ReplaceAllString(tiny.Config(class), `"norm_topk_prob": false`)
		if !strings.Contains(text, "norm_topk_prob") {
			text = strings.Replace(text, `"num_hidden_layers"`, `"norm_topk_prob": false, "num_hidden_layers"`, 1)
		}
		config, err := tiny.ParseConfig([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", class, err)
		}
		h, err := arch.FromConfig(config)
		if err != nil {
			t.Fatalf("%s: %v", class, err)
		}
		if h.MoE.Normalize == asks {
			t.Errorf("%s: the weights of experts sum to 1: %v", class, h.MoE.Normalize)
		}
	}
}
