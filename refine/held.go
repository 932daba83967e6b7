package refine

import (
	"context"
	"math"

	"github.com/f190792d/mq/refine/linear"
)

// heldBackRows judges weights by text that was held back: how far their
// products are from what the source's give.
type heldBackRows struct {
	*unit
	rows, count int       // rows of the text, and of the weights
	wanted      []float32 // [rows, count]
}

// holdBack prepares to judge some rows of a matrix.
func (u *unit) holdBack(ctx context.Context, weights []float32, first, count int) (*heldBackRows, error) {
	h := &heldBackRows{unit: u, rows: u.held.rows, count: count}
	h.wanted = make([]float32, h.rows*count)
	if err := linear.MultiplyTransposed(ctx, u.workers, h.wanted, u.held.source, weights, h.rows, u.columns, count); err != nil {
		return nil, err
	}
	if u.held.owed != nil {
		all := u.tensors[0].Rows
		for i := range h.rows {
			for j, v := range u.held.owed[i*all+first:][:count] {
				h.wanted[i*count+j] += v
			}
		}
	}
	return h, nil
}

// products multiplies the file's inputs with weights.
func (h *heldBackRows) products(ctx context.Context, weights []float32) ([]float32, error) {
	count := len(weights) / h.columns
	y := make([]float32, h.rows*count)
	return y, linear.MultiplyTransposed(ctx, h.workers, y, h.held.file, weights, h.rows, h.columns, count)
}

// verdict is what text says of two roundings of a row: the mean squares of their
// errors, and the standard error of the difference.
type verdict struct{ before, after, doubt float64 }

// compare compares two roundings of rows from one on.
func (h *heldBackRows) compare(ctx context.Context, first int, was, now []float32) ([]verdict, error) {
	a, err := h.products(ctx, was)
	if err != nil {
		return nil, err
	}
	b, err := h.products(ctx, now)
	if err != nil {
		return nil, err
	}
	list := make([]verdict, len(was)/h.columns)
	for i := range h.rows {
		for j := range list {
			wanted := float64(h.wanted[i*h.count+first+j])
			before, after := wanted-float64(a[i*len(list)+j]), wanted-float64(b[i*len(list)+j])
			before, after = float64(before*before), float64(after*after)
			gain := before - after
			r := &list[j]
			r.before += before
			r.after += after
			r.doubt += float64(gain * gain)
		}
	}
	for j := range list {
		r := &list[j]
		rows := float64(h.rows)
		r.before /= rows
		r.after /= rows
		gain := r.before - r.after
		r.doubt = math.Sqrt(max(0, r.doubt/rows-float64(gain*gain)) / rows)
	}
	return list, nil
}

// signal is the mean square of what the products should be, of all rows
// together.
func (h *heldBackRows) signal() (sum float64) {
	for _, v := range h.wanted {
		sum += float64(float64(v) * float64(v))
	}
	return sum / float64(h.rows)
}

// strengths returns for each row of weights which share of a change is best.
func (h *heldBackRows) strengths(ctx context.Context, weights, change []float32) ([]float32, error) {
	strengths := make([]float32, h.count)
	y, err := h.products(ctx, weights)
	if err != nil {
		return nil, err
	}
	by, err := h.products(ctx, change)
	if err != nil {
		return nil, err
	}
	gain, curve, whole := make([]float64, h.count), make([]float64, h.count), make([]float64, h.count)
	for i, d := range by {
		lacks := float64(h.wanted[i]) - float64(y[i])
		gain[i%h.count] += float64(lacks * float64(d))
		curve[i%h.count] += float64(float64(d) * float64(d))
		whole[i%h.count] += float64(lacks * lacks)
	}
	for i := range strengths {
		// The best share takes away what it would of any text and, by fitting this
		// one, about a row's part of the rest.
		best := gain[i] / curve[i]
		taken := float64(best * gain[i])
		chance := (whole[i] - taken) / float64(h.rows)
		if curve[i] > 0 && gain[i] > 0 && chance < taken {
			strengths[i] = float32(min(1, best*(1-max(0, chance)/taken)))
		}
	}
	return strengths, nil
}
