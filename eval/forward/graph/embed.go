package graph

import (
	"context"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// Pools reports whether the model says how the positions of a sequence become
// one embedding.
func (m *Model) Pools() bool {
	switch m.out.pooling {
	case arch.MeanPooling, arch.CLSPooling, arch.LastPooling:
		return true
	}
	return false
}

// Embed runs tokens as one sequence and returns the vector that the model's
// pooling, and the matrices after it, make of its positions. It is not scaled
// to length 1.
func (m *Model) Embed(ctx context.Context, tokens []int32) ([]float32, error) {
	if !m.Pools() {
		return nil, fault.Op("forward").File(m.name).Unsupported("the model does not say how to pool its positions")
	}
	from, to := m.pooled(len(tokens))
	states, err := m.states(ctx, tokens, from, to)
	if err != nil {
		return nil, err
	}
	return m.project(ctx, meanOf(states, m.width))
}

// States runs tokens as one sequence and returns what stands after the last
// norm at every position: [len(tokens), Width()].
func (m *Model) States(ctx context.Context, tokens []int32) ([]float32, error) {
	return m.states(ctx, tokens, 0, len(tokens))
}

// Pool returns the embedding that the model makes of the states of a sequence.
func (m *Model) Pool(ctx context.Context, states []float32) ([]float32, error) {
	from, to := m.pooled(len(states) / m.width)
	return m.project(ctx, meanOf(states[from*m.width:to*m.width], m.width))
}

// project multiplies an embedding with what stands after the pooling.
func (m *Model) project(ctx context.Context, x []float32) ([]float32, error) {
	r := &run{ctx: ctx, device: m.device, how: m.how}
	for _, l := range m.out.projections {
		y := make([]float32, l.w.Rows)
		if err := r.multiply(x, 1, l.to(y)); err != nil {
			return nil, err
		}
		x = y
	}
	return x, nil
}

// pooled returns the positions that the embedding of n is the mean of.
func (m *Model) pooled(n int) (from, to int) {
	switch m.out.pooling {
	case arch.CLSPooling:
		return 0, 1
	case arch.LastPooling:
		return n - 1, n
	}
	return 0, n
}

// states returns the states of some positions.
func (m *Model) states(ctx context.Context, tokens []int32, from, to int) ([]float32, error) {
	if len(tokens) == 0 {
		return nil, fault.Op("forward").File(m.name).Invalid("no tokens to embed")
	}
	_, spans := m.spansOf([][]int32{tokens})
	r := m.begin(ctx, tokens, spans)
	defer m.free.Give(r.memory)
	var rows []outputRow
	for row := from; row < to; row++ {
		rows = append(rows, outputRow{0, row, row})
	}
	x, err := m.run(r, rows)
	if err != nil {
		return nil, err
	}
	normed, err := m.out.normed(r, x, m.width, rows)
	return slices.Clone(normed), err // the run's memory is used again
}

// meanOf is the mean of rows.
func meanOf(rows []float32, width int) []float32 {
	n := len(rows) / width
	if n == 0 {
		return nil
	}
	mean := make([]float32, width)
	for j := range mean {
		sum := 0.0
		for i := range n {
			sum += float64(rows[i*width+j])
		}
		mean[j] = float32(sum / float64(n))
	}
	return mean
}
