package convert

import (
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/shared"
	"github.com/f190792d/mq/internal/tiny"
)

// headersOf is a checkpoint of headers that a configuration describes.
func headersOf(t *testing.T, text string) *hf.Checkpoint {
	t.Helper()
	config, err := tiny.ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	h, err := arch.FromConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := tiny.HeadersOnly(tiny.Tensors(mustArch(t, h.Class), h, dtype.BF16), fstest.MapFS{"config.json": {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	ckpt, err := hf.OpenFS(t.Context(), folder, "tested")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	return ckpt
}

func candidatesOf(t *testing.T, ckpt *hf.Checkpoint) []string {
	t.Helper()
	unpacked, err := unpack.Open(t.Context(), ckpt)
	if err != nil {
		t.Fatal(err)
	}
	return candidates(t.Context(), ckpt.Config(), unpacked)
}

// TestTensorsNameTheirClass: of every class's tensors the class is among those
// that have them, and no class is that lacks a part of them.
func TestTensorsNameTheirClass(t *testing.T) {
	for _, class := range tiny.Classes() {
		if !slices.Contains(arch.Classes(), class) {
			continue
		}
		names := mustArch(t, class).Classes
		if classes := candidatesOf(t, headersOf(t, tiny.Config(class))); !slices.ContainsFunc(classes, func(c string) bool { return slices.Contains(names, c) }) {
			t.Errorf("the tensors of %s are those of %q", class, classes)
		}
	}
	classes := candidatesOf(t, headersOf(t, tiny.Config("Qwen3ForCausalLM")))
	for _, other := range []string{"LlamaForCausalLM", "Qwen2ForCausalLM", "GPT2LMHeadModel"} {
		if slices.Contains(classes, other) {
			t.Errorf("the tensors of a model with norms of heads are said to be those of %s", other)
		}
	}
}

// TestFindsTheClassesOfLargeModels: 91,000 tensors, most of experts one by one.
func TestFindsTheClassesOfLargeModels(t *testing.T) {
	text, err := os.ReadFile(shared.Path(t, "data", "configs", "deepseek-ai--DeepSeek-V3_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if classes := candidatesOf(t, headersOf(t, string(text))); !slices.Contains(classes, "DeepseekV3ForCausalLM") {
		t.Errorf("%q", classes)
	}
}
