package graph

import (
	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
)

// linear is a matrix with an optional bias.
type linear struct {
	w    *compute.Matrix
	bias []float32
}

// to asks for the product into y.
func (l linear) to(y []float32) compute.Product { return compute.Product{W: l.w, Y: y, Bias: l.bias} }

// part returns some rows, whose bias goes with them.
func (l linear) part(first, rows int) linear {
	p := linear{w: l.w.Part(first, rows)}
	if l.bias != nil {
		p.bias = l.bias[first : first+rows]
	}
	return p
}

func (p *parts) linear(name string, l linear) {
	p.matrix(name, l.w)
	p.vector(name+".bias", l.bias)
}

// segment is a number of rows that say something of their own.
type segment struct {
	of   string
	rows int
}

// split adds a projection of several things, each by itself: samples of the whole
// need not meet the one that is wrong.
func (p *parts) split(name string, l linear, segments []segment) {
	at := 0
	for _, s := range segments {
		p.linear(name+" of "+s.of, l.part(at, s.rows))
		at += s.rows
	}
}

// inHeads adds a projection whose rows are paired for the rotation.
func (p *parts) inHeads(name string, l linear, dim int, style arch.RopeStyle) {
	first := len(p.list)
	p.linear(name, l)
	for i := range p.list[first:] {
		p.list[first+i].head, p.list[first+i].style = dim, style
	}
}
