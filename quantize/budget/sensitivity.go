package budget

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var layerPattern = regexp.MustCompile(`^blk\.([0-9]+)\.`)

// kindOf is a tensor's name without its layer, and the layer, -1 outside.
func kindOf(name string) (kind string, layer int) {
	at := layerPattern.FindStringSubmatchIndex(name)
	if at == nil {
		return name, -1
	}
	_, _ = fmt.Sscan(name[at[2]:at[3]], &layer) // the pattern demands digits
	return name[at[1]:], layer
}

// Groups divides the tensors of a profile into at most about limit groups of
// the same kind in neighbouring layers, whose sensitivity is measured
// together.
func (p *Profile) Groups(limit int) [][]string {
	kinds := map[string][]string{}
	var order []string
	for _, t := range p.Tensors {
		kind, _ := kindOf(t.Name)
		if kinds[kind] == nil {
			order = append(order, kind)
		}
		kinds[kind] = append(kinds[kind], t.Name)
	}
	each := max(1, limit/max(1, len(order))) // groups of a kind
	var groups [][]string
	for _, kind := range order {
		names := kinds[kind]
		n := min(each, len(names))
		for i := range n {
			groups = append(groups, names[i*len(names)/n:(i+1)*len(names)/n])
		}
	}
	return groups
}

// Calibrate sets the factors from measured divergences of groups, where the
// weights of each were altered by Round.
func (p *Profile) Calibrate(groups [][]string, divergences []float64) {
	index := map[string]int{}
	for i, t := range p.Tensors {
		index[t.Name] = i
	}
	p.Sensitivity = "model"
	var known []float64
	unknown := map[int]bool{}
	for g, names := range groups {
		sum := 0.0
		for _, name := range names {
			sum += p.Tensors[index[name]].Rounding
		}
		factor := ratio(divergences[g], sum)
		for _, name := range names {
			p.Tensors[index[name]].Sensitivity = factor
			if factor <= 0 { // not run, such as layers for several tokens
				unknown[index[name]] = true
			}
		}
		if factor > 0 {
			known = append(known, factor)
		}
	}
	if len(known) == 0 {
		p.guess()
		return
	}
	slices.Sort(known)
	for _, i := range slices.Sorted(maps.Keys(unknown)) {
		p.Tensors[i].Sensitivity = known[len(known)/2]
	}
}

// guesses are the factors of tensors by parts of their names, for one layer of
// a model of one layer: about what models that could be run have shown. The
// first that matches counts.
var guesses = []struct {
	part   string
	factor float64
}{
	{"token_embd", 0.25},
	{"attn_qkv", 0.12},
	{"attn_q", 0.03},
	{"attn_k", 0.03},
	{"attn_v", 0.07},
	{"attn_output", 0.07},
	{"ffn_down", 0.17},
	{"ffn_gate", 0.1},
	{"ffn_up", 0.07},
}

// What guesses does not name: outside the layers, as the output, and within.
const (
	guessOutside = 0.5
	guessLayer   = 0.07
)

// guess sets the factors of the table. Errors of the first layer pass through
// all others and count double.
func (p *Profile) guess() {
	p.Sensitivity = "weights"
	layers := 1
	for _, t := range p.Tensors {
		_, layer := kindOf(t.Name)
		layers = max(layers, layer+1)
	}
	for i := range p.Tensors {
		t := &p.Tensors[i]
		_, layer := kindOf(t.Name)
		t.Sensitivity = guessOutside
		if layer >= 0 {
			t.Sensitivity = guessLayer
		}
		for _, g := range guesses {
			if strings.Contains(t.Name, g.part) {
				t.Sensitivity = g.factor
				break
			}
		}
		switch {
		case layer == 0:
			t.Sensitivity *= 2 / float64(layers)
		case layer > 0:
			t.Sensitivity /= float64(layers)
		}
	}
}
