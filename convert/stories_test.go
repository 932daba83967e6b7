package convert

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/internal/shared"
)

func storiesPlan(t *testing.T, kind FileType) *Plan {
	t.Helper()
	ckpt, err := hf.Open(t.Context(), "../testdata/stories-llama")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	p, err := NewPlan(t.Context(), ckpt, Options{Type: kind})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTrainedModelEqualsReferenceFile compares every tensor of a trained
// checkpoint byte for byte, and in order, with the file that the reference
// converter wrote.
func TestTrainedModelEqualsReferenceFile(t *testing.T) {
	path := shared.Path(t, "golden", "stories", "stories-llama-BF16.gguf")
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := storiesPlan(t, Auto)
	var names, want []string
	for _, tensor := range file.Tensors() {
		want = append(want, tensor.Name)
	}
	for _, s := range p.Streams {
		names = append(names, s.Name)
		tensor, ok := file.Lookup(s.Name)
		if !ok {
			continue
		}
		data := make([]byte, tensor.Size())
		if _, err := file.ReadTensorAt(t.Context(), tensor, data, 0); err != nil {
			t.Fatal(err)
		}
		var mine bytes.Buffer
		drain(t, s, &mine)
		if s.Type != tensor.Type || !cmp.Equal(s.Shape, tensor.Shape) || !bytes.Equal(mine.Bytes(), data) {
			t.Errorf("%s: %v %v differs from %v %v", s.Name, s.Type, s.Shape, tensor.Type, tensor.Shape)
		}
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("order (-reference +mq):\n%s", d)
	}
	for _, kv := range file.KVs() {
		if v, ok := p.KVs.Get(kv.Key); ok && !cmp.Equal(v, kv.Value) {
			t.Errorf("%s: %v, reference has %v", kv.Key, v, kv.Value)
		}
	}
}

// TestSourceKeepsTheCheckpointsTypes reads an F32 checkpoint without rounding.
func TestSourceKeepsTheCheckpointsTypes(t *testing.T) {
	for name, want := range map[string]gguf.Type{"llama-f32": gguf.TypeF32, "llama-f16": gguf.TypeF16, "llama": gguf.TypeBF16, "llama-fp8-blocks": gguf.TypeBF16} {
		ckpt, err := hf.Open(t.Context(), unzip(t, "testdata/reference/"+name+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		p, err := NewPlan(t.Context(), ckpt, Options{Type: Source})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Streams {
			want := want
			if len(s.Shape) == 1 || name == "llama-fp8-blocks" && s.Name != "token_embd.weight" && s.Name != "output.weight" {
				want = gguf.TypeF32
			}
			if s.Type != want {
				t.Errorf("%s: %s is %v, want %v", name, s.Name, s.Type, want)
			}
		}
	}
}

// TestTrainedModelEqualsDigests compares the same tensors with digests.
func TestTrainedModelEqualsDigests(t *testing.T) {
	data, err := os.ReadFile(shared.Path(t, "golden", "stories", "bf16-tensors.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]any{}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	got := map[string][]any{}
	for _, s := range storiesPlan(t, BF16).Streams {
		sum := sha256.New()
		drain(t, s, sum)
		shape := make([]any, len(s.Shape))
		for i, n := range s.Shape {
			shape[i] = float64(n)
		}
		got[s.Name] = []any{float64(s.Type), shape, hex.EncodeToString(sum.Sum(nil))[:16]}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tensors (-reference +mq):\n%s", d)
	}
}

// TestRopeFactorsOfLlama31 compares the computed tensor with the one that the
// reference converter computes for Llama 3.1 8B.
func TestRopeFactorsOfLlama31(t *testing.T) {
	const want = "8b516af9cb5db26ed32831eb6f493dd620843d1cd69ca7bbad760c76061cd565"
	all := extras(mustArch(t, "LlamaForCausalLM"), llama31)
	if len(all) != 1 {
		t.Fatalf("%d computed tensors, want 1", len(all))
	}
	p := make([]byte, 4*64)
	if err := all[0].rows.Read(t.Context(), p, 0); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(p)
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("sha256 %s, want %s", got, want)
	}
}
