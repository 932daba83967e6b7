package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/tiny"
)

var oneExpert = regexp.MustCompile(`^(.*)\.experts\.(\d+)\.(\w+)\.(\w+)$`)

// mlxParts are MLX's names of the matrices of an expert.
var mlxParts = map[string]string{"w1": "gate_proj", "w2": "down_proj", "w3": "up_proj", "gate_proj": "gate_proj", "down_proj": "down_proj", "up_proj": "up_proj"}

// asMLX writes the tensors as MLX does: experts stacked, and for gated delta
// networks convolutions turned and 1 added to the norms.
func asMLX(f *tiny.Files) {
	f.Metadata = map[string]string{"format": "mlx"}
	delta := f.Tensor("model.layers.0.linear_attn.conv1d.weight") != nil
	var all []safetensors.Named
	stacks := map[string]int{} // by name: where it is in all
	for e, left := 0, true; left; e++ {
		left = false
		for _, t := range f.Tensors {
			m := oneExpert.FindStringSubmatch(t.Name)
			if m == nil || mlxParts[m[3]] == "" {
				if e == 0 {
					all = append(all, t)
				}
				continue
			}
			if n := len(m[2]); n != 1 || int(m[2][0]-'0') != e {
				left = left || int(m[2][0]-'0') > e
				continue
			}
			name := m[1] + ".switch_mlp." + mlxParts[m[3]] + "." + m[4]
			if _, ok := stacks[name]; !ok {
				stacks[name] = len(all)
				all = append(all, safetensors.Named{Name: name, DType: t.DType, Shape: append([]int64{0}, t.Shape...)})
			}
			s := &all[stacks[name]]
			s.Shape[0]++
			s.Data = append(s.Data, t.Data...)
		}
	}
	f.Tensors = all
	for i := range f.Tensors {
		t := &f.Tensors[i]
		switch {
		case strings.HasSuffix(t.Name, "conv1d.weight"):
			t.Shape = []int64{t.Shape[0], t.Shape[2], 1}
		case delta && strings.HasSuffix(t.Name, "norm.weight") && !strings.Contains(t.Name, "linear_attn"):
			for at := 0; at < len(t.Data); at += 4 {
				x := math.Float32frombits(binary.LittleEndian.Uint32(t.Data[at:]))
				binary.LittleEndian.PutUint32(t.Data[at:], math.Float32bits(x+1))
			}
		}
	}
}

// coarse rounds the norms so far that adding 1 to them is exact.
func coarse(f *tiny.Files) {
	for _, t := range f.Tensors {
		for at := 0; strings.HasSuffix(t.Name, "norm.weight") && at < len(t.Data); at += 4 {
			binary.LittleEndian.PutUint32(t.Data[at:], binary.LittleEndian.Uint32(t.Data[at:])&0xffff0000)
		}
	}
}

// TestMLXCheckpointsGiveTheFileOfTheOriginal, byte for byte.
func TestMLXCheckpointsGiveTheFileOfTheOriginal(t *testing.T) {
	for _, class := range brief.Of([]string{
		"LlamaForCausalLM", "MixtralForCausalLM", "Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM", "Qwen3NextForCausalLM", "Qwen3_5ForCausalLM", "Qwen3_5MoeForCausalLM",
		"DeepseekForCausalLM", "DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM",
	}, 3) {
		t.Run(class, func(t *testing.T) {
			want, _ := converted(t, checkpoint(t, class, coarse))
			got, says := converted(t, checkpoint(t, class, func(f *tiny.Files) {
				coarse(f)
				asMLX(f)
			}))
			if !bytes.Equal(got, want) {
				t.Errorf("the file differs:\n%s", says)
			}
		})
	}
}

// TestNamesMLXAsTheCauseWhereItsLayoutIsNotRead.
func TestNamesMLXAsTheCauseWhereItsLayoutIsNotRead(t *testing.T) {
	for name, change := range map[string]func(*tiny.Files){
		"split projection": func(f *tiny.Files) {
			asMLX(f)
			f.Tensor("model.layers.0.self_attn.kv_b_proj.weight").Name = "model.layers.0.self_attn.embed_q.weight"
		},
		"split experts": func(f *tiny.Files) {
			asMLX(f)
			with("model.layers.1.mlp.switch_glu.gate_proj.weight")(f)
		},
	} {
		code, says := run("convert", checkpoint(t, "DeepseekV3ForCausalLM", change), "-o", filepath.Join(t.TempDir(), "x.gguf"))
		want := 4
		if name == "quantized" {
			want = 5 // MLX's codes are read, but these are plain floats
		}
		if code != want || !strings.Contains(says, "MLX") {
			t.Errorf("%s: exit %d: %s", name, code, says)
		}
	}
}
