package transform

import (
	"context"
	"errors"
	"testing"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// A source that knows nothing of contexts, of many rows; the first read
// cancels. Every transform must notice by itself and soon.
func TestCancelledReadsEndWithinTheCall(t *testing.T) {
	const rows, columns = 1 << 12, 256
	for name, build := range map[string]func(Rows) Rows{
		"transpose":         func(r Rows) Rows { return Transpose(r, rows) },
		"stacked transpose": func(r Rows) Rows { return Transpose(Stack(r, r, r), rows) },
		"stack":             func(r Rows) Rows { return Stack(r, r, r) },
		"permute":           func(r Rows) Rows { return RopePermute(r, 4) },
		"part":              func(r Rows) Rows { return Part(r, 4, 1, 2) },
		"map of permuted":   func(r Rows) Rows { return Map(RopePermute(r, 4), func(x float32) float32 { return x }) },
		"scale":             func(r Rows) Rows { return Scale(Transpose(r, rows), memory(1, 2), columns, columns, rows) },
		"stream": func(r Rows) Rows {
			s := Stream(gguf.TensorInfo{Name: "x", Type: gguf.TypeF16, Shape: []int64{columns, rows}}, r, nil)
			return Rows{DType: dtype.F16, Columns: columns, Count: rows, Read: func(ctx context.Context, p []byte, off int64) error {
				return s.ReadRows(ctx, p, off/s.RowBytes())
			}}
		},
	} {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		reads := 0
		r := build(Rows{DType: dtype.F32, Columns: columns, Count: rows, Read: func(_ context.Context, p []byte, _ int64) error {
			reads++
			cancel(stop)
			clear(p)
			return nil
		}})
		err := r.Read(ctx, make([]byte, r.Elements()*r.ElementBytes()), 0)
		if !errors.Is(err, stop) || ctx.Err() == nil {
			t.Errorf("%s: %v", name, err)
		}
		if reads > 2 {
			t.Errorf("%s: %d reads after the end", name, reads-1)
		}
	}
}
