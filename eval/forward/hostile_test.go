package forward

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// rewrite writes a copy of a GGUF file with its header changed. The data of
// tensors stay; tensors that change their size get zeros.
func rewrite(t testing.TB, path string, change func(kvs *gguf.KVs, tensors *[]gguf.TensorInfo)) string {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kvs, tensors := f.KVs().Clone(), append([]gguf.TensorInfo(nil), f.Tensors()...)
	change(&kvs, &tensors)
	plan, err := gguf.NewPlan(kvs, tensors)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "changed.gguf")
	w, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	to, err := gguf.NewWriter(w, plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range tensors {
		data := make([]byte, x.Size())
		if old, ok := f.Lookup(x.Name); ok && old.Size() == x.Size() {
			if _, err := f.ReadTensorAt(t.Context(), old, data, 0); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := to.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// converted writes a small test checkpoint as a GGUF file.
func converted(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	convertTo(t, unpack(t, filepath.Join(references, name+".zip")), path, convert.F32)
	return path
}

func TestRefusesFilesThatContradictTheirHyperparameters(t *testing.T) {
	for _, c := range []struct {
		name, model string
		change      func(kvs *gguf.KVs, tensors *[]gguf.TensorInfo)
	}{
		{"a layer too many", "llama", set("llama.block_count", uint32(3))},
		{"a billion layers", "llama", set("llama.block_count", uint32(1<<30))},
		{"no heads", "llama", set("llama.attention.head_count", uint32(0))},
		{"heads that do not divide", "llama", set("llama.attention.head_count_kv", uint32(3))},
		{"a huge head", "llama", set("llama.attention.key_length", uint32(1<<30))},
		{"a huge width", "llama", set("llama.embedding_length", uint32(1<<31-2))},
		{"an odd rotation", "llama", set("llama.rope.dimension_count", uint32(3))},
		{"a wide rotation", "llama", set("llama.rope.dimension_count", uint32(4096))},
		{"another vocabulary", "llama", set("llama.vocab_size", uint32(7))},
		{"more experts in use than there are", "mixtral", set("llama.expert_used_count", uint32(100))},
		{"no experts in use", "mixtral", set("llama.expert_used_count", uint32(0))},
		{"other experts", "mixtral", set("llama.expert_count", uint32(3))},
		{"odd groups", "deepseek-v3", set("deepseek2.expert_group_count", uint32(3))},
		{"groups of none", "deepseek-v3", set("deepseek2.expert_group_used_count", uint32(0))},
		{"another rank", "deepseek-v3", set("deepseek2.attention.kv_lora_rank", uint32(5))},
		{"all rotated", "deepseek-v3", set("deepseek2.rope.dimension_count", uint32(28))},
		{"a missing tensor", "llama", func(_ *gguf.KVs, tensors *[]gguf.TensorInfo) { *tensors = (*tensors)[:len(*tensors)-1] }},
		{"a narrow matrix", "llama", reshape("blk.0.attn_q.weight", 16, 48)},
		{"a short norm", "llama", reshape("blk.1.ffn_norm.weight", 7)},
		{"a square norm", "llama", reshape("output_norm.weight", 16, 16)},
		{"an empty embedding", "llama", reshape("token_embd.weight", 48, 0)},
	} {
		path := rewrite(t, converted(t, c.model), c.change)
		m, err := Open(t.Context(), path, Options{})
		if err == nil {
			m.Close()
		}
		if !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func set(key string, value any) func(*gguf.KVs, *[]gguf.TensorInfo) {
	return func(kvs *gguf.KVs, _ *[]gguf.TensorInfo) { kvs.Set(key, value) }
}

func reshape(name string, shape ...int64) func(*gguf.KVs, *[]gguf.TensorInfo) {
	return func(_ *gguf.KVs, tensors *[]gguf.TensorInfo) {
		for i := range *tensors {
			if (*tensors)[i].Name == name {
				(*tensors)[i].Shape = shape
			}
		}
	}
}

// Numbers that make no sense are no reason to crash: the logits show it.
func TestSenselessNumbersDoNotPanic(t *testing.T) {
	for _, c := range []struct {
		model, key string
		value      any
	}{
		{"llama", "llama.attention.layer_norm_rms_epsilon", float32(math.NaN())},
		{"llama", "llama.rope.freq_base", float32(-1)},
		{"llama", "llama.rope.freq_base", float32(math.Inf(1))},
		{"llama-linear", "llama.rope.scaling.factor", float32(0)},
		{"qwen2-yarn", "qwen2.rope.scaling.factor", float32(-2)},
		{"qwen2-yarn", "qwen2.rope.scaling.original_context_length", uint32(0)},
		{"mixtral", "llama.attention.layer_norm_rms_epsilon", float32(math.NaN())},
		{"deepseek-v3", "deepseek2.attention.layer_norm_rms_epsilon", float32(math.NaN())},
		{"deepseek-v3", "deepseek2.expert_weights_scale", float32(math.Inf(1))},
	} {
		path := rewrite(t, converted(t, c.model), set(c.key, c.value))
		m, err := Open(t.Context(), path, Options{})
		if err != nil {
			continue
		}
		if _, err := m.Logits(context.Background(), []int32{1, 2, 3, 4}, 0); err != nil {
			t.Errorf("%s = %v: %v", c.key, c.value, err)
		}
		m.Close()
	}
}
