package graph

import "github.com/f190792d/mq/eval/forward/compute"

// experts is a feed-forward layer of experts (Shazeer et al. 2017,
// arXiv:1701.06538), of which each position uses a few, with an optional
// shared expert that all use.
type experts struct {
	router
	each       []dense
	norm       *norm // of what the experts see; nil: none
	normName   string
	table      []int32 // [vocabulary, used]: experts by token; nil: the best ones
	shared     *dense  // nil: none
	sharedGate linear  // [1, embed]: its sigmoid scales the shared expert; w nil: 1
}

func (f *experts) feed(r *run, x, y []float32) error {
	n := len(r.positions)
	width := len(x) / n
	chosen, err := f.route(r, x, n)
	if err != nil {
		return err
	}
	if f.norm != nil {
		seen := r.buffer(bufSeen, len(x))
		if err := r.normalize(f.norm, seen, x, width); err != nil {
			return err
		}
		x = seen
	}
	// Rows are gathered by expert, so that a product serves all positions
	// that chose it.
	starts := make([]int, len(f.each)+1)
	for _, c := range chosen {
		starts[c.expert+1]++
	}
	for e := range f.each {
		starts[e+1] += starts[e]
	}
	at := make([]int, len(chosen))     // row of each choice
	origin := make([]int, len(chosen)) // what each row was gathered from
	next := append([]int(nil), starts...)
	for i, c := range chosen {
		at[i] = next[c.expert]
		next[c.expert]++
		origin[at[i]] = i / f.Used
	}
	gathered := r.buffer(bufGathered, len(chosen)*width)
	err = r.perRow(len(chosen), func(i int) {
		row := gathered[at[i]*width:][:width]
		copy(row, x[i/f.Used*width:])
		if f.Before {
			for j := range row {
				row[j] *= chosen[i].weight
			}
		}
	})
	if err != nil {
		return err
	}
	r.ahead(r.layer+1, f.used(starts)...)
	results := r.buffer(bufExpert, len(chosen)*width)
	for e := range f.each {
		rows := starts[e+1] - starts[e]
		from := starts[e] * width
		r.gathered = origin[starts[e]:starts[e+1]]
		err := f.each[e].compute(r, gathered[from:from+rows*width], results[from:from+rows*width], rows)
		r.gathered = nil // others see all rows
		if err != nil {
			return err
		}
	}
	err = r.perRow(n, func(i int) {
		row := y[i*width : (i+1)*width]
		clear(row)
		for k := i * f.Used; k < (i+1)*f.Used; k++ {
			weight := chosen[k].weight
			if f.Before {
				weight = 1
			}
			for j, v := range results[at[k]*width:][:width] {
				row[j] += float32(weight * v)
			}
		}
	})
	if err != nil || f.shared == nil {
		return err
	}
	return f.addShared(r, x, y, width)
}

// used lists the matrices that are multiplied, in their order.
func (f *experts) used(starts []int) (list []*compute.Matrix) {
	for e := range f.each {
		if starts[e] < starts[e+1] {
			list = append(list, f.each[e].gate.w, f.each[e].up.w, f.each[e].down.w)
		}
	}
	if f.shared != nil {
		list = append(list, f.shared.gate.w, f.shared.up.w, f.shared.down.w)
	}
	return list
}

// route returns the choices of all positions: [n, used].
func (f *experts) route(r *run, x []float32, n int) ([]choice, error) {
	count := len(f.each)
	logits := r.buffer(bufRouter, n*count)
	x, err := f.sees(r, x, n)
	if err != nil {
		return nil, err
	}
	if err := r.multiply(x, n, f.by.to(logits)); err != nil {
		return nil, err
	}
	chosen := make([]choice, n*f.Used)
	err = r.perRow(n, func(i int) {
		all, its := logits[i*count:(i+1)*count], chosen[i*f.Used:(i+1)*f.Used]
		if f.table != nil {
			f.take(its, all, f.table[int(r.tokens[i])*f.Used:])
			return
		}
		f.choose(its, all)
	})
	return chosen, err
}

// addShared adds the shared expert to y.
func (f *experts) addShared(r *run, x, y []float32, width int) error {
	n := len(r.positions)
	shared := r.buffer(bufShared, n*width)
	if err := f.shared.compute(r, x, shared, n); err != nil {
		return err
	}
	if f.sharedGate.w != nil {
		gates := r.buffer(bufRouter, n)
		if err := r.multiply(x, n, f.sharedGate.to(gates)); err != nil {
			return err
		}
		err := r.perRow(n, func(i int) {
			gate := logistic(gates[i])
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

func (f *experts) parts(p *parts) {
	p.linear("ffn_gate_inp", f.by)
	p.vector("exp_probs_b.bias", f.bias)
	p.vector("ffn_gate_inp.scale", f.elements)
	p.vector("ffn_down_exps.scale", f.byExpert)
	p.norm(f.normName, f.norm)
	for e := range f.each {
		one := &f.each[e]
		p.linear("ffn_gate_exps", one.gate)
		p.linear("ffn_up_exps", one.up)
		p.linear("ffn_down_exps", one.down)
	}
	p.activation(&f.each[0].activation)
	if f.shared != nil {
		f.shared.parts(p)
	}
	p.matrix("ffn_gate_inp_shexp", f.sharedGate.w)
	p.figures("the choice of experts", func() []float64 {
		figures := []float64{float64(f.Used), float64(f.Score), f.scale(), flag(f.Normalize), flag(f.Before), f.Unit, f.Within,
			float64(f.Groups), float64(f.GroupsUsed), flag(f.GroupMax)}
		for _, e := range f.table {
			figures = append(figures, float64(e))
		}
		return figures
	})
}
