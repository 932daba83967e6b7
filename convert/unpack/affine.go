package unpack

import (
	"context"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
)

// affine is a matrix of whole numbers with a scale and an offset for each group
// of a row.
type affine struct {
	rows, cols int64
	groups     int64   // of a row
	size       int64   // columns of a group, where index is nil
	index      []int32 // the group of every column
	added      bool    // weight = scale · code + offset, not scale · (code - offset)
	high       int16   // the codes are within [0, high]

	// params fills the scales and offsets of rows [first, first+n), row by row.
	params func(ctx context.Context, first, n int64, scale, offset []float32) error

	// codes fills the codes of rows [first, first+n).
	codes func(ctx context.Context, first, n int64, dst []byte) error

	tiles *tiles
}

// group is the group of a column.
func (a *affine) group(column int64) int64 {
	if a.index != nil {
		return int64(a.index[column])
	}
	return column / a.size
}

// read decodes some rows.
func (a *affine) read(ctx context.Context, first, n int64) (*tile, error) {
	params := make([]float32, 2*n*a.groups)
	buffer := a.tiles.used.get(n * a.cols)
	t := &tile{first: first, n: n, codes: *buffer, buffer: buffer, scale: params[:n*a.groups], offset: params[n*a.groups:]}
	if err := a.params(ctx, first, n, t.scale, t.offset); err != nil {
		return nil, err
	}
	return t, a.codes(ctx, first, n, t.codes)
}

// values writes the weights of one row of a tile.
func (a *affine) values(dst []float32, t *tile, row int64) {
	codes := t.codes[row*a.cols : (row+1)*a.cols]
	scale, offset := t.scale[row*a.groups:(row+1)*a.groups], t.offset[row*a.groups:(row+1)*a.groups]
	switch {
	case a.index != nil:
		offset = offset[:len(scale)]
		for i, g := range a.index[:len(codes)] {
			dst[i] = scale[g] * float32(float32(codes[i])-offset[g])
		}
	case a.added:
		dtype.MoveCodes(dst, codes, scale, offset, int(a.size))
	default:
		dtype.ScaleCodes(dst, codes, scale, offset, int(a.size))
	}
}

// tensor makes the matrix a tensor of a shape.
func (a *affine) tensor(shape []int64) Tensor {
	return Tensor{Shape: shape, Rows: a.floats(), Exact: a.exact}
}

// floats are the rows of the weights.
func (a *affine) floats() transform.Rows {
	const four = 4 // bytes of a float32
	out := transform.Rows{DType: dtype.F32, Columns: a.cols, Count: a.rows}
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		var row []float32
		return a.eachRow(ctx, p, off, four*a.cols, func(t *tile, r, within int64, dst []byte) error {
			if whole := dtype.AsFloat32(dst); int64(len(whole)) == a.cols {
				a.values(whole, t, r)
				return nil
			}
			if row == nil {
				row = make([]float32, a.cols)
			}
			a.values(row, t, r)
			return dtype.FromFloat32(dst, row[within/four:][:len(dst)/four], dtype.F32)
		})
	}
	return out
}

// eachRow calls piece for the rows that a read of rowBytes long rows covers,
// with the tile of each, its row there, and the part of p that it fills.
func (a *affine) eachRow(ctx context.Context, p []byte, off, rowBytes int64, piece func(t *tile, row, within int64, dst []byte) error) error {
	for len(p) > 0 {
		first := off / rowBytes / tileRows * tileRows
		e, err := a.tiles.get(ctx, a, first)
		if err != nil {
			return err
		}
		for end := (first + e.value.n) * rowBytes; len(p) > 0 && off < end; {
			row, within := off/rowBytes, off%rowBytes
			n := min(rowBytes-within, int64(len(p)))
			if err = piece(e.value, row-first, within, p[:n]); err != nil {
				break
			}
			p, off = p[n:], off+n
		}
		a.tiles.release(e)
		if err != nil {
			return err
		}
	}
	return nil
}
