package graph

import (
	"math"

	"github.com/f190792d/mq/arch"
)

// norm is a normalization of a row. A nil norm leaves it alone.
type norm struct {
	kind   arch.NormKind
	weight []float32 // nil: all ones
	bias   []float32 // of a layer norm; nil: none
	eps    float64
}

// apply normalizes one row from src into dst, which may be the same.
func (n *norm) apply(dst, src []float32) {
	dst = dst[:len(src)]
	if n.kind == arch.LayerNorm {
		n.center(dst, src)
		return
	}
	weight := n.weight
	scale := float32(1 / math.Sqrt(squares(src)/float64(len(src))+n.eps))
	if weight == nil {
		for i, v := range src {
			dst[i] = v * scale
		}
		return
	}
	weight = weight[:len(src)]
	for i, v := range src {
		dst[i] = v * scale * weight[i]
	}
}

// center is the layer norm: mean 0 and variance 1, then weights and bias.
func (n *norm) center(dst, src []float32) {
	mean, variance := moments(src)
	factor := 1 / math.Sqrt(variance+n.eps)
	for i, v := range src {
		dst[i] = float32((float64(v) - mean) * factor)
	}
	for i, w := range n.weight {
		dst[i] *= w
	}
	for i, b := range n.bias {
		dst[i] += b
	}
}

// moments returns the mean and the variance of a row.
func moments(row []float32) (mean, variance float64) {
	for _, v := range row {
		mean += float64(v)
	}
	mean /= float64(len(row))
	for _, v := range row {
		variance += float64((float64(v) - mean) * (float64(v) - mean))
	}
	return mean, variance / float64(len(row))
}

// part returns the norm of some of the elements that n has weights for.
func (n *norm) part(first, count int) *norm {
	p := *n
	p.weight = n.weight[first : first+count]
	if n.bias != nil {
		p.bias = n.bias[first : first+count]
	}
	return &p
}

// squares returns the sum of the squares of a row, in four chains: one would
// wait for each addition.
func squares(row []float32) float64 {
	var s0, s1, s2, s3 float64
	for len(row) >= 4 {
		a, b, c, d := float64(row[0]), float64(row[1]), float64(row[2]), float64(row[3])
		s0, s1, s2, s3 = s0+float64(a*a), s1+float64(b*b), s2+float64(c*c), s3+float64(d*d)
		row = row[4:]
	}
	for _, v := range row {
		s0 += float64(float64(v) * float64(v))
	}
	return s0 + s1 + (s2 + s3)
}

// unitRow writes src scaled to length scale.
func unitRow(dst, src []float32, scale float32) {
	sum := 0.0
	for _, v := range src[:len(dst)] {
		sum += float64(float64(v) * float64(v))
	}
	scale *= float32(1 / math.Sqrt(sum+1e-6))
	for i, v := range src[:len(dst)] {
		dst[i] = v * scale
	}
}

func (p *parts) norm(name string, n *norm) {
	if n != nil {
		p.vector(name+".weight", n.weight)
		p.vector(name+".bias", n.bias)
		p.numbers("the kind and epsilon of "+name, float64(n.kind), n.eps)
	}
}

// weights adds a norm without its epsilon, for which classes and files have
// conventions of their own.
func (p *parts) weights(name string, n *norm) {
	if n != nil {
		p.vector(name+".weight", n.weight)
	}
}
