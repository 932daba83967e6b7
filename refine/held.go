package refine

import (
	"context"

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
	y := make([]float32, h.rows*h.count)
	return y, linear.MultiplyTransposed(ctx, h.workers, y, h.held.file, weights, h.rows, h.columns, h.count)
}

// errors returns for each row of weights the mean square of its error.
func (h *heldBackRows) errors(ctx context.Context, weights []float32) ([]float64, error) {
	sums := make([]float64, h.count)
	y, err := h.products(ctx, weights)
	for i, v := range y {
		d := float64(h.wanted[i]) - float64(v)
		sums[i%h.count] += float64(d*d) / float64(h.rows)
	}
	return sums, err
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
	gain, curve := make([]float64, h.count), make([]float64, h.count)
	for i, d := range by {
		lacks := float64(h.wanted[i]) - float64(y[i])
		gain[i%h.count] += float64(lacks * float64(d))
		curve[i%h.count] += float64(float64(d) * float64(d))
	}
	for i := range strengths {
		if curve[i] > 0 {
			strengths[i] = float32(max(0, min(1, gain[i]/curve[i])))
		}
	}
	return strengths, nil
}
