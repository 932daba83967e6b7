package main

import (
	"bytes"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"testing"

	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/internal/tiny"
)

var aMatrix = regexp.MustCompile(`^(model\.(?:language_model\.)?layers\.\d+\.)(mlp|block_sparse_moe|feed_forward)\.experts\.(\d+)\.(w1|w2|w3|gate_proj|up_proj|down_proj)\.weight$`)

// fused writes the experts of a layer as transformers 5 holds them: all in one
// tensor, gate above up projection, and Mixtral's under the names of the rest.
func fused(f *tiny.Files) {
	type layer struct{ gate, up, down map[int]safetensors.Named }
	layers := map[string]*layer{}
	var rest []safetensors.Named
	for _, t := range f.Tensors {
		m := aMatrix.FindStringSubmatch(t.Name)
		if m == nil {
			rest = append(rest, t)
			continue
		}
		part := m[2]
		if part == "block_sparse_moe" {
			part = "mlp"
		}
		l := layers[m[1]+part]
		if l == nil {
			l = &layer{map[int]safetensors.Named{}, map[int]safetensors.Named{}, map[int]safetensors.Named{}}
			layers[m[1]+part] = l
		}
		e, _ := strconv.Atoi(m[3])
		switch m[4] {
		case "w1", "gate_proj":
			l.gate[e] = t
		case "w3", "up_proj":
			l.up[e] = t
		default:
			l.down[e] = t
		}
	}
	for name, l := range layers {
		n := int64(len(l.down))
		both := safetensors.Named{Name: name + ".experts.gate_up_proj", DType: l.up[0].DType, Shape: []int64{n, 2 * l.up[0].Shape[0], l.up[0].Shape[1]}}
		down := safetensors.Named{Name: name + ".experts.down_proj", DType: l.down[0].DType, Shape: append([]int64{n}, l.down[0].Shape...)}
		for e := range int(n) {
			both.Data = slices.Concat(both.Data, l.gate[e].Data, l.up[e].Data)
			down.Data = append(down.Data, l.down[e].Data...)
		}
		rest = append(rest, both, down)
	}
	for i := range rest {
		if m := regexp.MustCompile(`^(.*)block_sparse_moe\.gate\.weight$`).FindStringSubmatch(rest[i].Name); m != nil {
			rest[i].Name = m[1] + "mlp.gate.weight"
		}
	}
	sort.Slice(rest, func(i, j int) bool { return rest[i].Name < rest[j].Name })
	f.Tensors = rest
}

// unfused writes experts that are all in one tensor, inputs along the rows, each
// by itself.
func unfused(f *tiny.Files) {
	var all []safetensors.Named
	for _, t := range f.Tensors {
		m := regexp.MustCompile(`^(.*\.experts)\.(gate_up_proj|down_proj)$`).FindStringSubmatch(t.Name)
		if m == nil {
			all = append(all, t)
			continue
		}
		rows, columns := t.Shape[1], t.Shape[2]
		parts := []string{"down_proj"}
		if m[2] != "down_proj" {
			parts = []string{"gate_proj", "up_proj"}
		}
		width := columns / int64(len(parts))
		for e := range t.Shape[0] {
			for p, part := range parts {
				one := safetensors.Named{Name: m[1] + "." + strconv.FormatInt(e, 10) + "." + part + ".weight", DType: t.DType, Shape: []int64{width, rows}}
				for column := range width {
					for row := range rows {
						at := 4 * ((e*rows+row)*columns + int64(p)*width + column)
						one.Data = append(one.Data, t.Data[at:at+4]...)
					}
				}
				all = append(all, one)
			}
		}
	}
	f.Tensors = all
}

// TestEveryFamilyWithExpertsTakesThemApartAndFused: both layouts give the same
// tensors and key-values.
func TestEveryFamilyWithExpertsTakesThemApartAndFused(t *testing.T) {
	for _, class := range brief.Of([]string{
		"MixtralForCausalLM", "Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM", "Qwen3NextForCausalLM", "Qwen3_5MoeForCausalLM",
		"DeepseekForCausalLM", "DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM", "DeepseekV32ForCausalLM",
		"Glm4MoeForCausalLM", "Glm4MoeLiteForCausalLM", "Ernie4_5_MoeForCausalLM", "HunYuanMoEV1ForCausalLM", "MiniMaxM2ForCausalLM", "Dots1ForCausalLM",
		"BailingMoeForCausalLM", "BailingMoeV2ForCausalLM", "GlmMoeDsaForCausalLM",
		"Llama4ForCausalLM", "Qwen3VLMoeForConditionalGeneration",
	}, 5) {
		t.Run(class, func(t *testing.T) {
			other := fused
			if class == "Llama4ForCausalLM" || class == "Qwen3VLMoeForConditionalGeneration" { // whose own layout is fused, with inputs along the rows
				other = unfused
			}
			want := contents(t, checkpoint(t, class, nil))
			got := contents(t, checkpoint(t, class, other))
			for name, data := range want {
				if !bytes.Equal(got[name], data) {
					t.Errorf("%s differs", name)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d tensors, want %d", len(got), len(want))
			}
		})
	}
}
