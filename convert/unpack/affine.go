package unpack

import (
	"context"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
)

// An offset is how the weights of a group are moved.
type offset uint8

const (
	none   offset = iota // weight = scale · code; a zero point is in the code already
	added                // weight = scale · code + offset
	before               // weight = scale · (code - offset)
)

// affine is a matrix of whole numbers with a scale for each group of a row.
type affine struct {
	rows, cols int64
	groups     int64   // of a row
	size       int64   // columns of a group, where index is nil
	index      []int32 // the group of every column
	offset     offset
	low, high  int16 // bounds of the codes as stored, without their zero points

	// params fills the scales of rows [first, first+n), their offsets where
	// there are any, and else their zero points, where there are any: all row
	// by row.
	params func(ctx context.Context, first, n int64, scale, offset []float32, zeros []int16) error

	// codes fills the codes of rows [first, first+n) as they are stored.
	codes func(ctx context.Context, first, n int64, dst []int16) error

	// zeros says that params has zero points, which are taken off the codes.
	zeros bool

	across bool // a stored word has codes of eight rows, so that tiles are larger
	tiles  *tiles
}

// step is the number of rows of a tile.
func (a *affine) step() int64 {
	if a.across {
		return max(4*tileCodes/a.cols/8, 1) * 8
	}
	return max(tileCodes/a.cols, 1)
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
	t := &tile{first: first, n: n, codes: make([]int16, n*a.cols), scale: make([]float32, n*a.groups)}
	var zeros []int16
	if a.offset != none {
		t.offset = make([]float32, n*a.groups)
	} else if a.zeros {
		zeros = make([]int16, n*a.groups)
	}
	if err := a.params(ctx, first, n, t.scale, t.offset, zeros); err != nil {
		return nil, err
	}
	if err := a.codes(ctx, first, n, t.codes); err != nil {
		return nil, err
	}
	if zeros != nil {
		for r := range n {
			a.eachGroup(t.codes[r*a.cols:(r+1)*a.cols], func(codes []int16, g int64) {
				zero := zeros[r*a.groups+g]
				for i := range codes {
					codes[i] -= zero
				}
			})
		}
	}
	return t, nil
}

// eachGroup calls f with runs of a row that belong to one group.
func (a *affine) eachGroup(row []int16, f func(codes []int16, group int64)) {
	if a.index == nil {
		for from := int64(0); from < a.cols; from += a.size {
			f(row[from:min(from+a.size, a.cols)], from/a.size)
		}
		return
	}
	for from := 0; from < len(row); {
		to := from + 1
		for to < len(row) && a.index[to] == a.index[from] {
			to++
		}
		f(row[from:to], int64(a.index[from]))
		from = to
	}
}

// values writes the weights of one row of a tile.
func (a *affine) values(dst []float32, t *tile, row int64) {
	scales := t.scale[row*a.groups : (row+1)*a.groups]
	var offsets []float32
	if t.offset != nil {
		offsets = t.offset[row*a.groups : (row+1)*a.groups]
	}
	at := 0
	a.eachGroup(t.codes[row*a.cols:(row+1)*a.cols], func(codes []int16, g int64) {
		out, scale := dst[at:at+len(codes)], scales[g]
		at += len(codes)
		switch a.offset {
		case none:
			for i, c := range codes {
				out[i] = scale * float32(c)
			}
		case added:
			offset := offsets[g]
			for i, c := range codes {
				out[i] = float32(scale*float32(c)) + offset
			}
		case before:
			offset := offsets[g]
			for i, c := range codes {
				out[i] = scale * float32(float32(c)-offset)
			}
		}
	})
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
		row := make([]float32, a.cols)
		return a.eachRow(ctx, p, off, four*a.cols, func(t *tile, r, within int64, dst []byte) error {
			a.values(row, t, r)
			return dtype.FromFloat32(dst, row[within/four:][:len(dst)/four], dtype.F32)
		})
	}
	return out
}

// eachRow calls piece for the rows that a read of rowBytes long rows covers,
// with the tile of each, its row there, and the part of p that it fills.
func (a *affine) eachRow(ctx context.Context, p []byte, off, rowBytes int64, piece func(t *tile, row, within int64, dst []byte) error) error {
	var held *tile
	for len(p) > 0 {
		row, within := off/rowBytes, off%rowBytes
		if held == nil || row >= held.first+held.n || row < held.first {
			var err error
			if held, err = a.tiles.get(ctx, a, row/a.step()*a.step()); err != nil {
				return err
			}
		}
		n := min(rowBytes-within, int64(len(p)))
		if err := piece(held, row-held.first, within, p[:n]); err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}
