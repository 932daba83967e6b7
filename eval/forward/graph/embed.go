package graph

import (
	"context"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// Embed runs tokens as one sequence and returns the vector that the model's
// pooling makes of its positions, of the residual stream's width. It is not
// scaled to length 1.
func (m *Model) Embed(ctx context.Context, tokens []int32) ([]float32, error) {
	if len(tokens) == 0 {
		return nil, fault.Op("forward").File(m.name).Invalid("no tokens to embed")
	}
	first, last := 0, len(tokens)-1
	switch m.out.pooling {
	case arch.MeanPooling:
	case arch.CLSPooling:
		last = 0
	case arch.LastPooling:
		first = last
	default:
		return nil, fault.Op("forward").File(m.name).Unsupported("the model does not say how to pool its positions")
	}
	_, spans := m.spansOf([][]int32{tokens})
	r := m.begin(ctx, tokens, spans)
	defer m.free.Give(r.memory)
	var rows []outputRow
	for row := first; row <= last; row++ {
		rows = append(rows, outputRow{0, row, row})
	}
	x, err := m.run(r, rows)
	if err != nil {
		return nil, err
	}
	normed, err := m.out.normed(r, x, m.width, rows)
	if err != nil {
		return nil, err
	}
	mean := make([]float32, m.width)
	for j := range mean {
		sum := 0.0
		for i := range rows {
			sum += float64(normed[i*m.width+j])
		}
		mean[j] = float32(sum / float64(len(rows)))
	}
	return mean, nil
}
