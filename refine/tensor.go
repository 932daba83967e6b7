package refine

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/refine/linear"
	"github.com/f190792d/mq/refine/rounding"
)

const (
	// What is added to the diagonal, in parts of its mean, is this many times the
	// columns over the tokens, within bounds. A hundredth fits the text itself as
	// well as more; a tenth serves other kinds of text, and mixtures of experts,
	// better, unless there is much text.
	damping, leastDamping, mostDamping = 24, 0.01, 0.1
	// leastRows is for how many columns there must be a row of text.
	leastRows = 4
	// sweeps is how often codes are improved one by one.
	sweeps = 2
	// atOnce is about how many weights are refined at once.
	atOnce = 8 << 20
)

// refine chooses the codes of the unit's matrices.
func (u *unit) refine(ctx context.Context) ([]Outcome, error) { return u.refineFlat(ctx, 0) }

// refineFlat is refine where the square of any weight's error costs something
// besides.
func (u *unit) refineFlat(ctx context.Context, flat float32) ([]Outcome, error) {
	if u.held.rows == 0 || u.square.Count() < u.columns/leastRows {
		return nil, nil // nothing could be said of what would come of it
	}
	n := u.columns
	m := &moments{unit: u, square: u.square.Mean(), flat: flat}
	if err := m.compare(ctx); err != nil {
		return nil, err
	}
	m.own = u.others.shrink(m.square, u.square.Count())
	m.square.AddDiagonal(flat)
	mean := 0.0
	for _, v := range m.square.Diagonal() {
		mean += float64(v) / float64(n)
	}
	if !(mean > 0) || math.IsInf(mean, 1) {
		return nil, nil
	}
	var err error
	m.factor, err = linear.NewFactor(ctx, u.workers, m.square, float32(dampingOf(n, u.square.Count())*mean))
	if errors.Is(err, linear.ErrSingular) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if m.drift != nil { // once for the rows of all matrices
		if err := m.factor.Solve(ctx, u.workers, m.drift, n); err != nil {
			return nil, err
		}
	}
	var list []Outcome
	for _, t := range u.tensors {
		o := Outcome{Tensor: t.Name, Expert: u.expert, Rows: t.Rows}
		step := max(linear.RowBlock, atOnce/n/linear.RowBlock*linear.RowBlock)
		for row := 0; row < t.Rows; row += step {
			if err := m.refineRows(ctx, t, row, min(step, t.Rows-row), &o); err != nil {
				return nil, err
			}
		}
		o.Strength /= float64(t.Rows)
		list = append(list, o)
	}
	return list, nil
}

// dampingOf is that of the moments of so many tokens.
func dampingOf(columns, tokens int) float64 {
	return min(max(leastDamping, damping*float64(columns)/float64(tokens)), mostDamping)
}

// moments are what is known of the rows that a unit multiplies.
type moments struct {
	*unit
	square *linear.Symmetric // mean of x̃·x̃ᵀ, after compare with that of others
	factor *linear.Factor
	drift  []float32 // mean of (x - x̃)·x̃ᵀ, and that solved, or
	lacks  []float32 // mean of what the source's weights lack on x̃, times x̃ᵀ
	flat   float32   // what the square of any weight's error costs besides
	own    float32   // share of the text that the unit itself saw
}

// compare says how what the source multiplies, or what its product should be,
// differs from what the file has.
func (m *moments) compare(ctx context.Context) error {
	n, u := m.columns, m.unit
	switch {
	case u.cross != nil:
		m.drift = u.cross.Mean()
		for i := range n {
			for j := range n {
				m.drift[i*n+j] -= m.square.At(i, j)
			}
		}
	case u.wanted != nil:
		m.lacks = u.wanted.Mean()
		for first := 0; first < len(m.lacks); first += n * linear.RowBlock * 16 {
			some := m.lacks[first:min(len(m.lacks), first+n*linear.RowBlock*16)]
			has := make([]float32, len(some))
			if err := linear.MultiplySymmetric(ctx, m.workers, has, u.weights[first:], m.square, len(some)/n); err != nil {
				return err
			}
			for i, v := range has {
				some[i] -= v
			}
		}
		u.weights = nil
	}
	return nil
}

// refineRows refines some rows of a matrix.
func (m *moments) refineRows(ctx context.Context, t *Tensor, first, rows int, o *Outcome) error {
	n := m.columns
	weights := make([]float32, rows*n)
	if err := t.Weights(ctx, weights, m.expert*t.Rows+first); err != nil {
		return err
	}
	data := make([]byte, rows*t.rowBytes())
	if err := t.Load(ctx, data, m.expert*t.Rows+first); err != nil {
		return err
	}
	h, err := m.holdBack(ctx, weights, first, rows)
	if err != nil {
		return err
	}
	o.Signal += h.signal()
	target, err := m.target(ctx, weights, first, rows, h, o)
	if err != nil {
		return err
	}
	codes := rounding.Parse(t.Type, rows, n, data)
	if err := codes.Feedback(ctx, m.workers, target, m.factor); err != nil {
		return err
	}
	if err := codes.Descend(ctx, m.workers, target, m.square, sweeps); err != nil {
		return err
	}
	made := codes.Bytes()
	for at := 0; at < rows; at += judgedAtOnce {
		to := min(rows, at+judgedAtOnce)
		bytes := t.rowBytes()
		if err := m.judge(ctx, t, h, at, weights[at*n:to*n], data[at*bytes:to*bytes], made[at*bytes:to*bytes], o); err != nil {
			return err
		}
	}
	return t.Store(made, m.expert*t.Rows+first)
}

const (
	// judgedAtOnce is how many rows of weights are judged at once.
	judgedAtOnce = 256
	// sure is how many standard errors a gain must be.
	sure = 2
)

// judge puts rows back that are not surely better than they were, on text that
// was held back, or are farther from the weights than they may be. The first of
// them is row at of those that were prepared for.
func (m *moments) judge(ctx context.Context, t *Tensor, h *heldBackRows, at int, weights []float32, data, made []byte, o *Outcome) error {
	n, bytes := m.columns, t.rowBytes()
	rows := len(weights) / n
	was, now := make([]float32, rows*n), make([]float32, rows*n)
	rounding.Parse(t.Type, rows, n, data).Values(was)
	rounding.Parse(t.Type, rows, n, made).Values(now)
	verdicts, err := h.compare(ctx, at, was, now)
	if err != nil {
		return err
	}
	for i, r := range verdicts {
		w, a, b := weights[i*n:(i+1)*n], was[i*n:(i+1)*n], now[i*n:(i+1)*n]
		before, after := r.before+m.flatCost(w, a), r.after+m.flatCost(w, b)
		if !(before-after > sure*r.doubt) || distance(w, b) > max(quantize.MaxRefined, distance(w, a)) {
			copy(made[i*bytes:(i+1)*bytes], data[i*bytes:])
			after = before
			o.Kept++
		}
		o.Before += before
		o.After += after
	}
	return nil
}

// target is what the weights should be: the source's and, as far as that helps
// on the text that is held back, what makes up for the file's inputs.
func (m *moments) target(ctx context.Context, weights []float32, first, rows int, h *heldBackRows, o *Outcome) ([]float32, error) {
	n := m.columns
	if m.drift == nil && m.lacks == nil {
		return slices.Clone(weights), nil
	}
	change := make([]float32, rows*n)
	if m.lacks != nil {
		copy(change, m.lacks[first*n:])
		if err := m.factor.Solve(ctx, m.workers, change, rows); err != nil {
			return nil, err
		}
	} else if err := linear.Multiply(ctx, m.workers, change, weights, m.drift, rows, n, n); err != nil {
		return nil, err
	}
	if m.own != 1 { // elsewhere there is nothing to make up for
		for i := range change {
			change[i] *= m.own
		}
	}
	strengths, err := h.strengths(ctx, weights, change)
	if err != nil {
		return nil, err
	}
	for i, s := range strengths {
		o.Strength += float64(s)
		for j := i * n; j < (i+1)*n; j++ {
			change[j] = weights[j] + float32(s*change[j])
		}
	}
	return change, nil
}

// distance is how far values are from weights, in parts of their size.
func distance(weights, values []float32) float64 {
	away, size := 0.0, 0.0
	for i, w := range weights {
		d := float64(w) - float64(values[i])
		away += float64(d * d)
		size += float64(float64(w) * float64(w))
	}
	if size == 0 {
		return 0
	}
	return math.Sqrt(away / size)
}

// flatCost is what the errors of weights cost whatever they are multiplied with.
func (m *moments) flatCost(weights, values []float32) (sum float64) {
	if m.flat == 0 {
		return 0
	}
	for i, w := range weights {
		d := float64(w) - float64(values[i])
		sum += float64(float64(m.flat) * float64(d*d))
	}
	return sum
}
