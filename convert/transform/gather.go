package transform

import (
	"context"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// small is the size up to which a tensor is read at once before its rows are
// picked: biases, whose rows are single elements.
const small = 64 << 10

// Gather picks rows: row j of the result is row from(j) of r.
func Gather(r Rows, count int64, from func(row int64) int64) Rows {
	read, rowBytes := r.Read, r.RowBytes()
	out := r
	out.Count = count
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		return eachRow(ctx, p, off, rowBytes, func(row, within int64, dst []byte) error {
			return read(ctx, dst, from(row)*rowBytes+within)
		})
	}
	if size := r.Count * rowBytes; size <= small {
		out.Read = func(ctx context.Context, p []byte, off int64) error {
			whole := make([]byte, size)
			if err := read(ctx, whole, 0); err != nil {
				return err
			}
			return eachRow(ctx, p, off, rowBytes, func(row, within int64, dst []byte) error {
				copy(dst, whole[from(row)*rowBytes+within:])
				return nil
			})
		}
	}
	return out
}

// RopePermute reorders the rows of each head from pairing by halves, as
// Hugging Face's checkpoints do, to pairing neighbours, as ggml's normal rope
// does: row 2j+s of a head is row s·D/2+j of the source. The rows are those of
// heads heads in equal parts.
func RopePermute(r Rows, heads int64) Rows {
	if heads <= 0 || r.Count%(2*heads) != 0 {
		return fail(r, fault.Op("transform").Invalid("%d rows are not an even number for each of %d heads", r.Count, heads))
	}
	dim := r.Count / heads
	out := Gather(r, r.Count, func(row int64) int64 {
		head, j := row/dim, row%dim
		return head*dim + j%2*(dim/2) + j/2
	})
	rowBytes, one := r.RowBytes(), out.Read
	if r.Count*rowBytes <= small {
		return out
	}
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		for len(p) > 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			j := off / rowBytes % dim
			n := min(dim-j, int64(len(p))/rowBytes) &^ 1 // whole rows of one head
			size := n * rowBytes
			var err error
			if off%rowBytes != 0 || j%2 != 0 || n == 0 {
				size = min(rowBytes-off%rowBytes, int64(len(p)))
				err = one(ctx, p[:size], off)
			} else {
				err = interleave(ctx, r, p[:size], off-j*rowBytes+j/2*rowBytes, dim/2*rowBytes)
			}
			if err != nil {
				return err
			}
			p, off = p[size:], off+size
		}
		return nil
	}
	return out
}

// interleave fills p with rows of r from off on and rows that lie apart bytes
// behind them, in turn: each kind is read at once.
func interleave(ctx context.Context, r Rows, p []byte, off, apart int64) error {
	buffer := raw.Get().(*[]byte)
	defer raw.Put(buffer)
	*buffer = slices.Grow((*buffer)[:0], len(p)/2)[:len(p)/2]
	rowBytes := r.RowBytes()
	for side := range int64(2) {
		if err := r.Read(ctx, *buffer, off+side*apart); err != nil {
			return err
		}
		for at := side * rowBytes; at < int64(len(p)); at += 2 * rowBytes {
			copy(p[at:at+rowBytes], (*buffer)[(at-side*rowBytes)/2:])
		}
	}
	return nil
}

// Part sees r as matrices of rows rows each and keeps rows [first,
// first+count) of every matrix.
func Part(r Rows, rows, first, count int64) Rows {
	if rows <= 0 || r.Count%rows != 0 || first < 0 || count < 0 || first+count > rows {
		return fail(r, fault.Op("transform").Invalid("rows %d to %d of matrices of %d in %d rows", first, first+count, rows, r.Count))
	}
	read, rowBytes := r.Read, r.RowBytes()
	out := r
	out.Count = r.Count / rows * count
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		return eachRow(ctx, p, off, count*rowBytes, func(matrix, within int64, dst []byte) error {
			return read(ctx, dst, (matrix*rows+first)*rowBytes+within)
		})
	}
	return out
}

// Stack puts tensors of one shape below each other: the experts of a layer.
func Stack(parts ...Rows) Rows {
	out := parts[0]
	for _, p := range parts[1:] {
		if p.Columns != out.Columns || p.Count != out.Count || p.DType != out.DType {
			return fail(out, fault.Op("transform").Invalid("%d×%d %v cannot be stacked on %d×%d %v", p.Count, p.Columns, p.DType, out.Count, out.Columns, out.DType))
		}
	}
	size := out.Count * out.RowBytes()
	out.Count *= int64(len(parts))
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		return eachRow(ctx, p, off, size, func(part, within int64, dst []byte) error {
			return parts[part].Read(ctx, dst, within)
		})
	}
	return out
}

// Join puts tensors with rows of one length below each other, however many
// rows each has.
func Join(parts ...Rows) Rows {
	out := parts[0]
	ends := make([]int64, len(parts)) // of the parts, in bytes
	total := int64(0)
	for i, p := range parts {
		if p.Columns != out.Columns || p.DType != out.DType {
			return fail(out, fault.Op("transform").Invalid("rows of %d %v cannot follow rows of %d %v", p.Columns, p.DType, out.Columns, out.DType))
		}
		total += p.Count
		ends[i] = total * p.RowBytes()
	}
	out.Count = total
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		begin := int64(0)
		for i, end := range ends {
			if n := min(end-off, int64(len(p))); off < end && n > 0 {
				if err := parts[i].Read(ctx, p[:n], off-begin); err != nil {
					return err
				}
				p, off = p[n:], off+n
			}
			begin = end
		}
		return nil
	}
	return out
}
