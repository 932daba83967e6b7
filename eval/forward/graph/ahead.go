package graph

import (
	"slices"

	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/formats/ahead"
)

// lies lists where what is multiplied next lies: some matrices, those of a
// layer and the one after it, or the output. Which experts are used is not
// known before their router has spoken.
func lies(first []*compute.Matrix, layers []layer, at int, out *compute.Matrix) (next []ahead.Stretch) {
	p := &parts{}
	for i := at; i < min(at+2, len(layers)); i++ {
		layers[i].parts(p)
	}
	for _, part := range p.list {
		if part.matrix != nil && part.matrix.Experts == 0 {
			first = append(first, part.matrix)
		}
	}
	if at+2 > len(layers) {
		first = append(first, out)
	}
	for _, w := range first {
		if w != nil {
			next = append(next, w.Lies...)
		}
	}
	return slices.Compact(next) // parts of one matrix lie together
}
