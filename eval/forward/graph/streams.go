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
