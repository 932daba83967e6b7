package graph

// layer is one layer; a part that is nil is left out.
type layer struct {
	mix                mixer
	feed               feed
	mixNorm, mixPost   *norm
	feedNorm, feedPost *norm

	mixScale, feedScale, skipScale float32
	parallel, afterSum             bool

	mixStreams, feedStreams *connection // nil: sums

	altUp  *altUp  // nil: one stream
	laurel *laurel // nil: none

	inject   *injection // nil: none
	outScale []float32  // one number; nil: 1
}

// branch computes a part of the layer: norm, compute, and the norm after it
// where that comes before the sum.
func (l *layer) branch(r *run, before, post *norm, x, normed, y []float32, width int, compute func(in []float32) error) error {
	defer func() { r.sum = residual{} }()
	in := x
	if before != nil {
		if err := r.normalize(before, normed, x, width); err != nil {
			return err
		}
		in = normed
	}
	if err := compute(in); err != nil {
		return err
	}
	if post == nil || l.afterSum {
		return nil
	}
	return r.normalize(post, y, y, width)
}

// residual is the sum that a branch goes into, nothing where a norm lies
// between.
func (l *layer) residual(y, x []float32, scale float32, post *norm) residual {
	if post != nil && !l.afterSum {
		return residual{}
	}
	return residual{y: y, stream: x, gain: l.skipScale / scale}
}

// sum adds a branch to the residual stream x.
func (l *layer) sum(r *run, x, y []float32, scale float32, post *norm, width int) error {
	if scale == 1 && l.skipScale == 1 {
		if err := r.add(x, y, width); err != nil {
			return err
		}
	} else {
		err := r.perRow(len(x)/width, func(i int) {
			to, from := x[i*width:(i+1)*width], y[i*width:(i+1)*width]
			for j, v := range from {
				to[j] = float32(to[j]*l.skipScale) + float32(v*scale)
			}
		})
		if err != nil {
			return err
		}
	}
	if post == nil || !l.afterSum {
		return nil
	}
	return r.normalize(post, x, x, width)
}

// sequential runs both parts one after the other. Behind the mixer, between
// may drop rows of the stream.
func (l *layer) sequential(r *run, index int, x []float32, width int, between func(x []float32) []float32) ([]float32, error) {
	if err := l.mixing(r, index, x, width, false); err != nil {
		return nil, err
	}
	x = between(x)
	return x, l.feeding(r, x, width)
}

// mixing runs the mixer; alone says that nothing else is run.
func (l *layer) mixing(r *run, index int, x []float32, width int, alone bool) error {
	if l.mix == nil {
		return nil
	}
	normed, y := r.buffer(bufNormed, len(x)), r.buffer(bufMixed, len(x))
	r.sum = l.residual(y, x, l.mixScale, l.mixPost)
	r.sum.last = alone && l.mixScale == 1 && l.skipScale == 1 && l.mixPost == nil && l.laurel == nil
	var beside []float32
	err := l.branch(r, l.mixNorm, l.mixPost, x, normed, y, width, func(in []float32) (err error) {
		if l.laurel != nil {
			if beside, err = l.laurel.branch(r, in, width); err != nil {
				return err
			}
		}
		return l.mix.mix(r, index, in, y)
	})
	if err != nil {
		return err
	}
	if err := l.sum(r, x, y, l.mixScale, l.mixPost, width); err != nil {
		return err
	}
	if l.laurel != nil {
		l.laurel.join(x, beside)
	}
	return nil
}

// feeding runs the feed-forward network.
func (l *layer) feeding(r *run, x []float32, width int) error {
	if l.feed == nil || len(x) == 0 {
		return nil
	}
	normed, y := r.buffer(bufNormed, len(x)), r.buffer(bufMixed, len(x))
	r.sum = l.residual(y, x, l.feedScale, l.feedPost)
	r.sum.last = l.feedScale == 1 && l.skipScale == 1 && l.feedPost == nil && l.inject == nil && l.outScale == nil
	err := l.branch(r, l.feedNorm, l.feedPost, x, normed, y, width, func(in []float32) error { return l.feed.feed(r, in, y) })
	if err != nil {
		return err
	}
	return l.sum(r, x, y, l.feedScale, l.feedPost, width)
}

// sideBySide runs a parallel layer: both parts see the layer's input; the feed-forward part shares
// the mixer's norm unless it has its own.
func (l *layer) sideBySide(r *run, index int, x []float32, width int) error {
	normed, y, fed := r.buffer(bufNormed, len(x)), r.buffer(bufMixed, len(x)), r.buffer(bufFeed, len(x))
	shared := x
	r.sum = l.residual(y, x, l.mixScale, l.mixPost)
	err := l.branch(r, l.mixNorm, l.mixPost, x, normed, y, width, func(in []float32) error {
		shared = in
		return l.mix.mix(r, index, in, y)
	})
	if err != nil {
		return err
	}
	own := r.buffer(bufOwn, len(x))
	if l.feedNorm != nil {
		shared = x
	}
	err = l.branch(r, l.feedNorm, l.feedPost, shared, own, fed, width, func(in []float32) error { return l.feed.feed(r, in, fed) })
	if err != nil {
		return err
	}
	return r.perRow(len(x)/width, func(i int) {
		to, a, b := x[i*width:(i+1)*width], y[i*width:(i+1)*width], fed[i*width:(i+1)*width]
		for j := range to {
			to[j] = float32(to[j]*l.skipScale) + float32(a[j]*l.mixScale) + float32(b[j]*l.feedScale)
		}
	})
}

// pass runs the layer. Behind the mixer, between may drop rows of the stream,
// where the parts are not parallel.
func (l *layer) pass(r *run, index int, x []float32, width int, between func(x []float32) []float32) ([]float32, error) {
	var err error
	if l.parallel {
		err = l.sideBySide(r, index, x, width)
	} else {
		x, err = l.sequential(r, index, x, width, between)
	}
	if err != nil || len(x) == 0 {
		return x, err
	}
	return x, l.finish(r, index, x, width)
}

// finish does what comes after both parts of a layer.
func (l *layer) finish(r *run, index int, x []float32, width int) error {
	if l.inject != nil {
		if err := l.inject.add(r, index, x, width); err != nil {
			return err
		}
	}
	if l.outScale == nil {
		return nil
	}
	return r.perRow(len(x)/width, func(i int) {
		for j := range x[i*width : (i+1)*width] {
			x[i*width+j] *= l.outScale[0]
		}
	})
}

func (l *layer) parts(p *parts) {
	p.norm("attn_norm", l.mixNorm)
	p.norm("post_attention_norm", l.mixPost)
	p.norm("ffn_norm", l.feedNorm)
	p.norm("post_ffw_norm", l.feedPost)
	p.connection("hc_attn", l.mixStreams)
	p.connection("hc_ffn", l.feedStreams)
	p.numbers("the scales and order of the residual sums", float64(l.mixScale), float64(l.feedScale), float64(l.skipScale), flag(l.parallel), flag(l.afterSum))
	l.altUp.parts(p)
	l.laurel.parts(p)
	l.inject.parts(p)
	p.vector("layer_output_scale.weight", l.outScale)
	if l.mix != nil {
		l.mix.parts(p)
	}
	if l.feed != nil {
		l.feed.parts(p)
	}
}
