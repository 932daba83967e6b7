package transform

import (
	"context"

	"github.com/f190792d/mq/formats/fault"
)

// Transpose turns every matrix of rows rows within r on its side. A read
// fetches, of each source row, only the columns that it needs.
func Transpose(r Rows, rows int64) Rows {
	if rows <= 0 || r.Count%rows != 0 {
		return fail(r, fault.Op("transform").Invalid("%d rows are not a whole number of matrices of %d", r.Count, rows))
	}
	var (
		read    = r.Read
		element = r.ElementBytes()
		columns = r.Columns
		matrix  = rows * columns * element
	)
	out := r
	out.Columns, out.Count = rows, r.Count/rows*columns
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		return eachRow(ctx, p, off, matrix, func(m, within int64, dst []byte) error {
			return transposed(ctx, dst, within/element, rows, columns, element, func(ctx context.Context, q []byte, index int64) error {
				return read(ctx, q, m*matrix+index*element)
			})
		})
	}
	return out
}

// transposed fills dst with the elements of a transposed matrix that start at
// element first. read fetches source elements from an index on.
func transposed(ctx context.Context, dst []byte, first, rows, columns, element int64, read func(context.Context, []byte, int64) error) error {
	last := first + int64(len(dst))/element // exclusive
	left, right := first/rows, (last-1)/rows+1
	line := make([]byte, (right-left)*element)
	for row := range rows {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := read(ctx, line, row*columns+left); err != nil {
			return err
		}
		// Column c of this row is element c·rows+row of the result; only those
		// from first to last are wanted.
		from := max(left, (first-row+rows-1)/rows)
		to := min(right, (last-row+rows-1)/rows)
		if from >= to {
			continue
		}
		scatter(dst[((from*rows+row)-first)*element:], line[(from-left)*element:(to-left)*element], rows*element, element)
	}
	return nil
}

// scatter copies elements to places stride bytes apart.
func scatter(dst, src []byte, stride, element int64) {
	switch element {
	case 2:
		for at := int64(0); len(src) >= 2; at, src = at+stride, src[2:] {
			dst[at], dst[at+1] = src[0], src[1]
		}
	case 4:
		for at := int64(0); len(src) >= 4; at, src = at+stride, src[4:] {
			dst[at], dst[at+1], dst[at+2], dst[at+3] = src[0], src[1], src[2], src[3]
		}
	default:
		for at := int64(0); len(src) > 0; at, src = at+stride, src[element:] {
			copy(dst[at:at+element], src)
		}
	}
}
