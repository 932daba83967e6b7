package graph

import (
	"math"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
)

// altUp keeps several residual streams of which a layer computes the first
// (Baykal et al. 2023, arXiv:2301.13310): a router predicts all from all, and
// what the layer changes of its prediction corrects the others. Streams lie side
// by side in a row of the batch, [streams·width].
type altUp struct {
	streams, width   int
	norm             *norm
	router           linear
	predict, correct linear
	scale            []float32 // of what the layer's own embedding is gated by
}

// altUp loads the streams of a layer, nil where there is one.
func (b *builder) altUp(d *arch.AltUp, l int) *altUp {
	if d == nil {
		return nil
	}
	return &altUp{
		streams: d.Count, width: b.Embed,
		norm:    b.weightedNorm("blk.{i}.altup_router_norm", l, arch.RMSNorm, d.Eps, b.Embed),
		router:  b.linear("blk.{i}.altup_router", l, d.Count, b.Embed),
		predict: b.linear("blk.{i}.altup_predict_coef", l, d.Count*d.Count, d.Count),
		correct: b.linear("blk.{i}.altup_correct_coef", l, d.Count, d.Count),
		scale:   b.numbers("blk.{i}.altup_correct_scale.weight", l, b.Embed),
	}
}

// mixtures computes what coefficients make of x, the stream of a layer.
func (a *altUp) mixtures(r *run, x []float32, coefficients linear) ([]float32, error) {
	n := len(x) / a.width
	normed, routed := r.buffer(bufNormed, len(x)), r.buffer(bufRouter, n*a.streams)
	if err := r.normalize(a.norm, normed, x, a.width); err != nil {
		return nil, err
	}
	for i := range normed {
		normed[i] /= float32(a.width)
	}
	if err := r.multiply(normed, n, a.router.to(routed)); err != nil {
		return nil, err
	}
	for i, v := range routed {
		routed[i] = float32(math.Tanh(float64(v)))
	}
	made := r.buffer(bufMixtures, n*coefficients.w.Rows)
	return made, r.multiply(routed, n, coefficients.to(made))
}

// predicted replaces all streams by what they are expected to become, and copies
// the first into x.
func (a *altUp) predicted(r *run, wide, x []float32) error {
	s, w := a.streams, a.width
	first(x, wide, s, w)
	m, err := a.mixtures(r, x, a.predict)
	if err != nil {
		return err
	}
	before := r.buffer(bufStreamsToo, len(wide))
	copy(before, wide)
	err = r.perRow(len(x)/w, func(i int) {
		from, to := before[i*s*w:(i+1)*s*w], wide[i*s*w:(i+1)*s*w]
		for j := range s {
			for k := range s {
				c := m[(i*s+j)*s+k]
				for e, v := range from[k*w : (k+1)*w] {
					to[j*w+e] += float32(c * v)
				}
			}
		}
	})
	first(x, wide, s, w)
	return err
}

// corrected adds to all streams what the layer has made of the first, x, and
// leaves in x what gates the layer's own embedding.
func (a *altUp) corrected(r *run, wide, x []float32) error {
	s, w := a.streams, a.width
	m, err := a.mixtures(r, x, a.correct)
	if err != nil {
		return err
	}
	return r.perRow(len(x)/w, func(i int) {
		row, to := x[i*w:(i+1)*w], wide[i*s*w:(i+1)*s*w]
		for e, v := range to[:w] {
			row[e] -= v
		}
		for j := range s {
			c := m[i*s+j] + 1
			for e, v := range row {
				to[j*w+e] += float32(c * v)
			}
		}
		for e, v := range to[:w] {
			row[e] = v * a.scale[e]
		}
	})
}

// first copies the first stream of each row.
func first(x, wide []float32, streams, width int) {
	for i := range len(x) / width {
		copy(x[i*width:(i+1)*width], wide[i*streams*width:])
	}
}

func (a *altUp) parts(p *parts) {
	if a != nil {
		p.norm("altup_router_norm", a.norm)
		p.linear("altup_router", a.router)
		p.linear("altup_predict_coef", a.predict)
		p.linear("altup_correct_coef", a.correct)
		p.vector("altup_correct_scale.weight", a.scale)
	}
}

// altUpEnds begin and join the streams beside the first.
type altUpEnds struct{ begin, join []*compute.Matrix }

// altUpEnds loads what begins and joins the streams, nil where there is one.
func (b *builder) altUpEnds(d *arch.AltUp) *altUpEnds {
	if d == nil {
		return nil
	}
	others := max(d.Count-1, 1)
	return &altUpEnds{b.every("altup_proj", 0, others, b.Embed, b.Embed), b.every("altup_unembd_proj", 0, others, b.Embed, b.Embed)}
}

func (e *altUpEnds) parts(p *parts) {
	if e == nil {
		return
	}
	for i := range e.begin {
		p.matrix("altup_proj", e.begin[i])
		p.matrix("altup_unembd_proj", e.join[i])
	}
}

// alike scales the rows of y to the length that those of x have.
func alike(y, x []float32, width int) {
	for i := range len(x) / width {
		row := y[i*width : (i+1)*width]
		scale := float32(math.Sqrt(squares(x[i*width:(i+1)*width]) / max(squares(row), 1e-5*float64(width))))
		for e := range row {
			row[e] *= scale
		}
	}
}

// laurel is a low-rank branch beside a mixer (Menghani et al. 2024,
// arXiv:2411.07501).
type laurel struct {
	left, right linear
	post        *norm
}

// laurel loads the branch, nil where there is none.
func (b *builder) laurel(post *arch.Norm, l int) *laurel {
	if post == nil {
		return nil
	}
	left := b.linear("blk.{i}.laurel_l", l, compute.AnyRows, b.Embed)
	if left.w == nil {
		return nil
	}
	return &laurel{left, b.linear("blk.{i}.laurel_r", l, b.Embed, left.w.Rows), b.norm(post, l, b.Embed)}
}

// branch computes the branch of x, what the mixer sees.
func (a *laurel) branch(r *run, x []float32, width int) ([]float32, error) {
	n := len(x) / width
	small, y := r.buffer(bufGathered, n*a.left.w.Rows), r.buffer(bufInner, len(x))
	if err := r.multiply(x, n, a.left.to(small)); err != nil {
		return nil, err
	}
	if err := r.multiply(small, n, a.right.to(y)); err != nil {
		return nil, err
	}
	if err := r.normalize(a.post, y, y, width); err != nil {
		return nil, err
	}
	return y, r.add(y, x, width)
}

// join adds the branch to the stream after the mixer.
func (a *laurel) join(x, y []float32) {
	half := float32(math.Sqrt(0.5))
	for i, v := range y {
		x[i] = (x[i] + v) * half
	}
}

func (a *laurel) parts(p *parts) {
	if a != nil {
		p.linear("laurel_l", a.left)
		p.linear("laurel_r", a.right)
		p.norm("laurel_post_norm", a.post)
	}
}
