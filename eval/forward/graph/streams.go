package graph

// runStreams runs layers with hyper-connections and returns the mixture that
// the output sees, that of head.
func runStreams(r *run, layers []layer, head *connection, x []float32) ([]float32, error) {
	n, width, streams := len(r.positions), head.width, head.streams
	wide := r.buffer(bufStreams, n*width*streams)
	next := r.buffer(bufStreamsToo, n*width*streams)
	for i := range n * streams {
		copy(wide[i*width:(i+1)*width], x[i/streams*width:])
	}
	normed, y := r.buffer(bufNormed, n*width), r.buffer(bufMixed, n*width)
	part := func(c *connection, before *norm, compute func() error) error {
		mixtures := r.buffer(bufMixtures, n*c.fn.w.Rows)
		if err := c.read(r, wide, mixtures, normed); err != nil {
			return err
		}
		if err := r.normalize(before, normed, normed, width); err != nil {
			return err
		}
		if err := compute(); err != nil {
			return err
		}
		err := c.write(r, wide, mixtures, y, next)
		wide, next = next, wide
		return err
	}
	for i := range layers {
		l := &layers[i]
		if err := part(l.mixStreams, l.mixNorm, func() error { return l.mix.mix(r, i, normed, y) }); err != nil {
			return nil, err
		}
		if err := part(l.feedStreams, l.feedNorm, func() error { return l.feed.feed(r, normed, y) }); err != nil {
			return nil, err
		}
		r.passed(i, len(layers))
	}
	return x, head.read(r, wide, r.buffer(bufMixtures, n*streams), x)
}

// runAltUp runs layers with several streams and returns the mean of those.
func runAltUp(r *run, layers []layer, ends *altUpEnds, x []float32, w int) ([]float32, error) {
	n, s := len(x)/w, len(ends.begin)+1
	wide, one := r.buffer(bufStreams, n*s*w), r.buffer(bufOwn, n*w)
	put := func(j int, y []float32) {
		for i := range n {
			copy(wide[(i*s+j)*w:][:w], y[i*w:])
		}
	}
	put(0, x)
	for j, p := range ends.begin {
		if err := r.multiply(x, n, linear{w: p}.to(one)); err != nil {
			return nil, err
		}
		alike(one, x, w)
		put(j+1, one)
	}
	for i := range layers {
		if err := layers[i].passStreams(r, i, wide, x); err != nil {
			return nil, err
		}
		r.passed(i, len(layers))
	}
	first(x, wide, s, w)
	magnitude := r.buffer(bufExtra, n*w)
	copy(magnitude, x)
	other := r.buffer(bufOther, n*w)
	for j, p := range ends.join {
		for i := range n {
			copy(other[i*w:(i+1)*w], wide[(i*s+j+1)*w:])
		}
		if err := r.multiply(other, n, linear{w: p}.to(one)); err != nil {
			return nil, err
		}
		alike(one, magnitude, w)
		if err := r.add(x, one, w); err != nil {
			return nil, err
		}
	}
	for i := range x {
		x[i] /= float32(s)
	}
	return x, nil
}

// passStreams runs a layer on the first of its streams.
func (l *layer) passStreams(r *run, index int, wide, x []float32) error {
	a := l.altUp
	if err := a.predicted(r, wide, x); err != nil {
		return err
	}
	if _, err := l.sequential(r, index, x, a.width, func(x []float32) []float32 { return x }); err != nil {
		return err
	}
	if err := a.corrected(r, wide, x); err != nil || l.inject == nil {
		return err
	}
	own, err := l.inject.part(r, index, x, a.width)
	if err != nil {
		return err
	}
	return r.perRow(len(x)/a.width, func(i int) {
		row := own[i*a.width : (i+1)*a.width]
		for j := 1; j < a.streams; j++ {
			to := wide[(i*a.streams+j)*a.width:][:a.width]
			for e, v := range row {
				to[e] += v
			}
		}
	})
}
