package graph

import (
	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
)

// part is one thing that a model is made of, in a form that does not depend on
// where it was loaded from.
type part struct {
	name   string
	matrix *compute.Matrix // or
	vector []float32       // numbers that a file keeps as they are, or
	coarse bool            // numbers of a matrix, which may be quantized
	figure func() []float64

	// Rows of a matrix, or elements of a vector, that belong to heads of so
	// many are paired for the rotation in some style; 0: there is no order but
	// one.
	head  int
	style arch.RopeStyle
}

// parts collects parts below a common name.
type parts struct {
	prefix  string
	context int // positions that the models are made for; 0: no limit
	list    []part
}

func (p *parts) matrix(name string, m *compute.Matrix) {
	if m != nil {
		p.list = append(p.list, part{name: p.prefix + name + ".weight", matrix: m})
	}
}

func (p *parts) vector(name string, v []float32) {
	if v != nil {
		p.list = append(p.list, part{name: p.prefix + name, vector: v})
	}
}

// coarse adds numbers that a file may quantize.
func (p *parts) coarse(name string, v []float32) {
	if v != nil {
		p.list = append(p.list, part{name: p.prefix + name, vector: v, coarse: true})
	}
}

func (p *parts) figures(name string, get func() []float64) {
	p.list = append(p.list, part{name: p.prefix + name, figure: get})
}

// numbers adds figures that are known already.
func (p *parts) numbers(name string, values ...float64) {
	p.figures(name, func() []float64 { return values })
}

// attention adds what decides which keys are seen, and how.
func (p *parts) attention(a *compute.Attention) {
	p.vector("attn_sinks.weight", a.Sinks)
	p.vector("the linear bias of positions", a.Slopes)
	p.figures("the attention's window and temperature", func() []float64 {
		figures := []float64{float64(a.Scale), float64(a.Softcap), flag(a.Mask.Full)}
		for _, position := range p.positions() {
			temperature := float32(1)
			if a.Temperature != nil {
				temperature = a.Temperature(position)
			}
			first, end := a.Mask.Keys(position, position+1)
			figures = append(figures, float64(first), float64(end), float64(temperature))
		}
		return figures
	})
}

// rotation adds a rotary embedding.
func (p *parts) rotation(e *rotary.Embedding) {
	p.figures("the rotation of positions", func() []float64 {
		if e == nil {
			return nil
		}
		figures := []float64{float64(e.Dim)}
		for _, position := range p.positions() {
			figures = append(figures, e.Scale)
			for _, f := range e.Frequencies(position + 1) {
				figures = append(figures, float64(f))
			}
		}
		return figures
	})
}

// positions are where positions are looked at: near, farther, and the last of
// the context. Beyond it two models may differ.
func (p *parts) positions() []int {
	all := []int{10, 3000, 100_000}
	if p.context > 0 {
		for i := range all {
			all[i] = min(all[i], p.context-1)
		}
		all = append(all, p.context-1)
	}
	return all
}

// flag is 1 for true.
func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
