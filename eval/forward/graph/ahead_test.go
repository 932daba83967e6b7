package graph

import (
	"slices"
	"testing"

	"github.com/f190792d/mq/formats/ahead"
)

func TestModelsSayWhatTheyReadNext(t *testing.T) {
	var told [][]ahead.Stretch
	m := built(t, &drawn{with: []string{"blk.4.attn_qkv.weight"}}, rich(), Options{ReadAhead: func(next []ahead.Stretch) { told = append(told, slices.Clone(next)) }})
	for _, p := range m.parts(0) {
		if p.matrix != nil {
			p.matrix.Lies = []ahead.Stretch{{File: p.name}}
		}
	}
	if _, err := m.Logits(t.Context(), []int32{1, 2, 3}, 0); err != nil {
		t.Fatal(err)
	}
	names := func(i int) (list []string) {
		for _, s := range told[i] {
			list = append(list, s.File)
		}
		return list
	}
	if len(told) != len(m.layers)+2 { // and one within the layer of experts
		t.Fatalf("told %d times of %d layers", len(told), len(m.layers))
	}
	if first := names(0); first[0] != "blk.0.attn_q.weight" || !slices.Contains(first, "blk.1.attn_output.weight") || slices.Contains(first, "blk.2.ssm_out.weight") {
		t.Errorf("before the first layer it was %q", first)
	}
	if experts := names(2); experts[0] != "blk.1.ffn_gate_exps.weight" || !slices.Contains(experts, "blk.2.ssm_out.weight") {
		t.Errorf("after the router it was %q", experts)
	}
	if last := names(len(told) - 1); len(last) != 1 {
		t.Errorf("before the output it was %q", last)
	}
}
