package graph

// mixer lets the positions of a sequence see each other: attention of some
// kind. x is the normalized stream [tokens, embed], y takes the result.
type mixer interface {
	mix(r *run, layer int, x, y []float32) error
	parts(p *parts)
}

// feed is the part of a layer that treats each position by itself.
type feed interface {
	feed(r *run, x, y []float32) error
	parts(p *parts)
}

// mixers run side by side and are added.
type mixers []mixer

func (m mixers) mix(r *run, layer int, x, y []float32) error {
	return sumOf(r, len(m), y, func(i int, y []float32) error { return m[i].mix(r, layer, x, y) })
}

func (m mixers) parts(p *parts) {
	for _, one := range m {
		one.parts(p)
	}
}

// feeds run side by side and are added.
type feeds []feed

func (f feeds) feed(r *run, x, y []float32) error {
	return sumOf(r, len(f), y, func(i int, y []float32) error { return f[i].feed(r, x, y) })
}

func (f feeds) parts(p *parts) {
	for _, one := range f {
		one.parts(p)
	}
}

// normedFeed is a part with norms of its own around it; nil: none.
type normedFeed struct {
	before, after *norm
	names         [2]string // of their tensors
	part          feed
}

func (f *normedFeed) feed(r *run, x, y []float32) error {
	in, width := x, len(x)/max(len(r.positions), 1)
	if f.after != nil {
		r.sum = residual{}
	}
	if f.before != nil {
		in = r.buffer(bufInner, len(x))
		if err := r.normalize(f.before, in, x, width); err != nil {
			return err
		}
	}
	if err := f.part.feed(r, in, y); err != nil || f.after == nil {
		return err
	}
	return r.normalize(f.after, y, y, width)
}

func (f *normedFeed) parts(p *parts) {
	p.norm(f.names[0], f.before)
	p.norm(f.names[1], f.after)
	f.part.parts(p)
}

// sumOf sums what n computations give.
func sumOf(r *run, n int, y []float32, compute func(i int, y []float32) error) error {
	if err := compute(0, y); err != nil {
		return err
	}
	for i := 1; i < n; i++ {
		other := r.buffer(bufOther, len(y))
		if err := compute(i, other); err != nil {
			return err
		}
		if err := r.add(y, other, len(y)/max(len(r.positions), 1)); err != nil {
			return err
		}
	}
	return nil
}
