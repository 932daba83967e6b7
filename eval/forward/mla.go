package forward

// mla is multi-head latent attention (DeepSeek-AI 2024, arXiv:2405.04434):
// keys and values of all heads come out of one compressed vector, beside
// which a few rotated dimensions are shared by all keys.
type mla struct {
	heads
	nope, rank int // dimensions of a head that are not rotated, and of the compressed vector

	q      linear // from the stream, or from its compression by qa
	qa     linear // w nil: queries are not compressed
	qaNorm norm
	kva    linear // [rank + rotated dimensions, embed]
	kvNorm norm
	o      linear
	rope   *rope
	index  *indexer // nil: queries see all keys

	// A checkpoint restores keys and values with one matrix, [heads·(nope +
	// value), rank]; a file has one of each for every head, that of the keys
	// stored transposed.
	kvb     *matrix
	kb, vb  []*matrix
	keyName string // of the tensor of a file that holds kb
}

func (a *mla) mix(r *run, layer int, x, y []float32) error {
	n := len(r.positions)
	rotated := a.rope.dim
	q := r.buffer(bufQuery, n*a.query*a.dim)
	latent := r.buffer(bufGathered, n*(a.rank+rotated))
	var seen [][]bool
	if a.qa.w == nil {
		if err := r.multiply(x, n, a.q.to(q), a.kva.to(latent)); err != nil {
			return err
		}
	} else {
		small := r.buffer(bufGate, n*a.qa.w.rows)
		if err := r.multiply(x, n, a.qa.to(small), a.kva.to(latent)); err != nil {
			return err
		}
		if err := r.normalise(a.qaNorm, small, small, a.qa.w.rows); err != nil {
			return err
		}
		if a.index != nil {
			var err error
			if seen, err = a.index.pick(r, layer, x, small); err != nil {
				return err
			}
		}
		if err := r.multiply(small, n, a.q.to(q)); err != nil {
			return err
		}
	}
	compressed := r.buffer(bufExpert, n*a.rank)
	if err := a.rotateParts(r, q, latent, compressed); err != nil {
		return err
	}
	k, v := r.buffer(bufKey, n*a.kv*a.dim), r.buffer(bufValue, n*a.kv*a.value)
	if err := a.expand(r, compressed, latent, q, k, v); err != nil {
		return err
	}
	r.remember(layer, k, v)
	mixed := r.buffer(bufHeads, n*a.query*a.value)
	if err := r.attend(a.heads, layer, q, mixed, seen); err != nil {
		return err
	}
	return r.multiply(mixed, n, a.o.to(y))
}

// rotateParts rotates the last dimensions of each query head and the shared
// ones of the key, and normalises the compressed vector.
func (a *mla) rotateParts(r *run, q, latent, compressed []float32) error {
	t, half := r.table(a.rope), a.rope.dim/2
	width := a.rank + a.rope.dim
	return r.rows(len(r.positions), func(i int) {
		cos, sin := t.cos[i*half:(i+1)*half], t.sin[i*half:(i+1)*half]
		for h := range a.query {
			head := q[(i*a.query+h)*a.dim:][:a.dim]
			a.rope.rotate(head[a.nope:], a.rope.dim, cos, sin)
		}
		row := latent[i*width : (i+1)*width]
		a.rope.rotate(row[a.rank:], a.rope.dim, cos, sin)
		a.kvNorm.apply(compressed[i*a.rank:(i+1)*a.rank], row[:a.rank])
	})
}

// expand restores keys and values of all heads: [n, heads·dim] and [n,
// heads·value].
func (a *mla) expand(r *run, compressed, latent, q, k, v []float32) error {
	n := len(r.positions)
	a.report(r, q)
	keys := r.buffer(bufGate, n*a.kv*a.nope)
	var outs []output
	var both []float32
	if a.kvb != nil {
		both = r.buffer(bufUp, n*a.kvb.rows)
		outs = append(outs, output{w: a.kvb, y: both})
	} else {
		both = r.buffer(bufUp, n*a.kv*a.value)
		for h := range a.kv {
			outs = append(outs,
				output{w: a.kb[h], y: keys[h*n*a.nope : (h+1)*n*a.nope]},
				output{w: a.vb[h], y: both[h*n*a.value : (h+1)*n*a.value]})
		}
	}
	if err := r.multiply(compressed, n, outs...); err != nil {
		return err
	}
	width := a.rank + a.rope.dim
	return r.rows(n, func(i int) {
		shared := latent[i*width+a.rank : (i+1)*width]
		for h := range a.kv {
			var key, value []float32
			if a.kvb != nil {
				pair := both[(i*a.kv+h)*(a.nope+a.value):]
				key, value = pair[:a.nope], pair[a.nope:a.nope+a.value]
			} else {
				key, value = keys[(h*n+i)*a.nope:][:a.nope], both[(h*n+i)*a.value:][:a.value]
			}
			to := k[(i*a.kv+h)*a.dim:][:a.dim]
			copy(to[copy(to, key):], shared)
			copy(v[(i*a.kv+h)*a.value:][:a.value], value)
		}
	})
}

// report shows an observer what llama.cpp multiplies the key matrices of a
// file with: the queries, head by head.
func (a *mla) report(r *run, q []float32) {
	if r.observe == nil {
		return
	}
	n := len(r.positions)
	head := make([]float32, n*a.nope)
	for h := range a.kv {
		for i := range n {
			copy(head[i*a.nope:(i+1)*a.nope], q[(i*a.query+h)*a.dim:])
		}
		r.observe([]Weight{{a.keyName, h, a.kv}}, head, a.nope)
	}
}
