package forward

import (
	"math"
)

// moe is a feed-forward layer of experts (Shazeer et al. 2017,
// arXiv:1701.06538), of which each position uses a few, with an optional
// shared expert that all use.
type moe struct {
	router
	gate, up, down []*matrix // by expert
	limit          float32   // of [swiglu]
	table          []int32   // [vocabulary, used]: experts by token; nil: the best ones

	shared     *swiglu // nil: none
	sharedGate *matrix // [1, embed]: its sigmoid scales the shared expert; nil: 1
}

func (f *moe) feed(r *run, x, y []float32) error {
	n := len(r.positions)
	width := len(x) / n
	chosen, err := f.route(r, x, n)
	if err != nil {
		return err
	}
	// Rows are gathered by expert, so that a product serves all positions
	// that chose it.
	starts := make([]int, len(f.gate)+1)
	for _, c := range chosen {
		starts[c.expert+1]++
	}
	for e := range f.gate {
		starts[e+1] += starts[e]
	}
	at := make([]int, len(chosen)) // row of each choice
	next := append([]int(nil), starts...)
	for i, c := range chosen {
		at[i] = next[c.expert]
		next[c.expert]++
	}
	gathered := r.buffer(bufGathered, len(chosen)*width)
	err = r.rows(len(chosen), func(i int) {
		row := gathered[at[i]*width:][:width]
		copy(row, x[i/f.used*width:])
		if f.before {
			for j := range row {
				row[j] *= chosen[i].weight
			}
		}
	})
	if err != nil {
		return err
	}
	results := r.buffer(bufExpert, len(chosen)*width)
	for e := range f.gate {
		rows := starts[e+1] - starts[e]
		expert := swiglu{gate: linear{w: f.gate[e]}, up: linear{w: f.up[e]}, down: linear{w: f.down[e]}, limit: f.limit}
		from := starts[e] * width
		if err := expert.compute(r, gathered[from:from+rows*width], results[from:from+rows*width], rows); err != nil {
			return err
		}
	}
	err = r.rows(n, func(i int) {
		row := y[i*width : (i+1)*width]
		clear(row)
		for k := i * f.used; k < (i+1)*f.used; k++ {
			weight := chosen[k].weight
			if f.before {
				weight = 1
			}
			for j, v := range results[at[k]*width:][:width] {
				row[j] += weight * v
			}
		}
	})
	if err != nil || f.shared == nil {
		return err
	}
	return f.addShared(r, x, y, width)
}

// route returns the choices of all positions: [n, used].
func (f *moe) route(r *run, x []float32, n int) ([]choice, error) {
	experts := len(f.gate)
	logits := r.buffer(bufRouter, n*experts)
	if err := r.multiply(x, n, output{w: f.w, y: logits}); err != nil {
		return nil, err
	}
	chosen := make([]choice, n*f.used)
	err := r.rows(n, func(i int) {
		all, its := logits[i*experts:(i+1)*experts], chosen[i*f.used:(i+1)*f.used]
		if f.table != nil {
			f.take(its, all, f.table[int(r.tokens[i])*f.used:])
			return
		}
		f.choose(its, all)
	})
	return chosen, err
}

// addShared adds the shared expert to y.
func (f *moe) addShared(r *run, x, y []float32, width int) error {
	n := len(r.positions)
	shared := r.buffer(bufShared, n*width)
	if err := f.shared.compute(r, x, shared, n); err != nil {
		return err
	}
	if f.sharedGate != nil {
		gates := r.buffer(bufRouter, n)
		if err := r.multiply(x, n, output{w: f.sharedGate, y: gates}); err != nil {
			return err
		}
		err := r.rows(n, func(i int) {
			gate := float32(1 / (1 + math.Exp(-float64(gates[i]))))
			for j := range shared[i*width : (i+1)*width] {
				shared[i*width+j] *= gate
			}
		})
		if err != nil {
			return err
		}
	}
	return r.add(y, shared, width)
}
