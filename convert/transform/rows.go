package transform

import (
	"context"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// Rows is a tensor of elements in row-major order, seen as a matrix: Columns
// is the innermost length, Count the product of all others.
type Rows struct {
	DType   dtype.DType
	Columns int64
	Count   int64

	// Read fills p with the bytes that start at byte off of the row-major
	// data. Offset and length are multiples of the element's size. It may be
	// called from several goroutines at once.
	Read func(ctx context.Context, p []byte, off int64) error
}

// ElementBytes returns the bytes of one element.
func (r Rows) ElementBytes() int64 { return int64(r.DType.Bits()) / 8 }

// RowBytes returns the bytes of one row.
func (r Rows) RowBytes() int64 { return r.Columns * r.ElementBytes() }

// Elements returns the number of elements.
func (r Rows) Elements() int64 { return r.Columns * r.Count }

// Reshape sees the same data with another row length.
func Reshape(r Rows, columns int64) Rows {
	if columns <= 0 || r.Elements()%columns != 0 {
		return fail(r, fault.Op("transform").Invalid("%d elements do not divide into rows of %d", r.Elements(), columns))
	}
	r.Count, r.Columns = r.Elements()/columns, columns
	return r
}

// fail returns rows that report err when they are read.
func fail(r Rows, err error) Rows {
	r.Read = func(context.Context, []byte, int64) error { return err }
	return r
}

// eachRow cuts the range of p at off into pieces that lie in one row each,
// and calls piece with the row, the bytes that precede the piece in it, and
// the part of p that it fills. It ends with ctx.
func eachRow(ctx context.Context, p []byte, off, rowBytes int64, piece func(row, within int64, dst []byte) error) error {
	for len(p) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		row, within := off/rowBytes, off%rowBytes
		n := min(rowBytes-within, int64(len(p)))
		if err := piece(row, within, p[:n]); err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}
