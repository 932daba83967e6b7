package transform

import (
	"context"

	"github.com/f190792d/mq/formats/fault"
)

// Alternate keeps rows index, index+of … of r.
func Alternate(r Rows, index, of int64) Rows {
	if of <= 0 || index < 0 || index >= of || r.Count%of != 0 {
		return fail(r, fault.Op("transform").Invalid("every row %d of %d in %d rows", index, of, r.Count))
	}
	return Gather(r, r.Count/of, func(row int64) int64 { return row*of + index })
}

// AlternateColumns keeps columns index, index+of … of every row.
func AlternateColumns(r Rows, index, of int64) Rows {
	if of <= 0 || index < 0 || index >= of || r.Columns%of != 0 {
		return fail(r, fault.Op("transform").Invalid("every column %d of %d in rows of %d", index, of, r.Columns))
	}
	read, element := r.Read, r.ElementBytes()
	out := r
	out.Columns /= of
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		n := int64(len(p)) / element
		if n == 0 {
			return nil
		}
		wide := make([]byte, ((n-1)*of+1)*element)
		if err := read(ctx, wide, off*of+index*element); err != nil {
			return err
		}
		for i := range n {
			copy(p[i*element:(i+1)*element], wide[i*of*element:])
		}
		return nil
	}
	return out
}
