package unpack

import (
	"context"
	"encoding/binary"
	"math/bits"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// sparseCodecs read what compressed-tensors leaves of matrices most of whose
// weights are zero: those that are not, and a bit for each.
var sparseCodecs = []codec{{
	methods: []string{"compressed-tensors"}, main: ".compressed", with: []string{".bitmask"}, plain: ".weight", open: openSparse,
	parts: []string{".shape", ".bitmask", ".row_offsets", ".weight_scale", ".weight_zero_point"},
}}

// sparse is such a matrix.
type sparse struct {
	module       *module
	values, mask hf.Tensor
	starts       []int64 // of the rows among the values, and their end
	rows, cols   int64
}

func openSparse(m *module) (Tensor, error) {
	shapes, err := m.part(".shape", dtype.I64)
	if err != nil {
		return Tensor{}, err
	}
	shape, err := m.integers(shapes, 2)
	if err != nil {
		return Tensor{}, err
	}
	if len(shape) != 2 || shape[0] <= 0 || shape[1] <= 0 {
		return Tensor{}, m.corrupt("%q tells of no matrix: %v", shapes.Name, shape)
	}
	s := &sparse{module: m, values: m.main, rows: shape[0], cols: shape[1]}
	if s.mask, err = m.part(".bitmask", dtype.U8); err == nil {
		err = m.shaped(s.mask, s.rows, (s.cols+7)/8)
	}
	if err == nil {
		err = s.findRows()
	}
	if err != nil {
		return Tensor{}, err
	}
	dense := transform.Rows{DType: m.main.DType, Columns: s.cols, Count: s.rows, Read: s.read}
	switch {
	case dense.DType == dtype.I8:
		a := &affine{rows: s.rows, cols: s.cols, high: 255, tiles: m.tiles, codes: signed(dense)}
		return m.wholeGroups(a, shape)
	case dense.DType.Bits() == 8:
		if err := m.stated(8, 0); err != nil {
			return Tensor{}, err
		}
		scales, err := m.part(".weight_scale", floats...)
		if err != nil {
			return Tensor{}, err
		}
		return m.scaled(dense, scales, shape)
	}
	return Tensor{Shape: shape, Rows: dense}, nil
}

// findRows finds where the values of every row begin: where a list says, or,
// of two in four, half a row after the last.
func (s *sparse) findRows() error {
	m, half := s.module, s.cols/2
	s.starts = make([]int64, s.rows+1)
	offsets, listed := m.has(".row_offsets")
	if !listed {
		if err := m.shaped(s.values, s.rows, half); err != nil || s.cols%2 != 0 {
			return err
		}
		for i := range s.starts {
			s.starts[i] = int64(i) * half
		}
		return nil
	}
	if err := m.typed(offsets, dtype.I64); err != nil {
		return err
	}
	if err := m.shaped(offsets, s.rows); err != nil {
		return err
	}
	begin, err := m.integers(offsets, s.rows)
	if err != nil {
		return err
	}
	count := elements(s.values.Shape)
	copy(s.starts, begin)
	s.starts[s.rows] = count
	for i, at := range begin {
		if next := s.starts[i+1]; at < 0 || at > next || next-at > s.cols || i == 0 && at != 0 {
			return m.corrupt("%q puts row %d at %d of %d values", offsets.Name, i, at, count)
		}
	}
	return nil
}

// read fills p with elements of the whole matrix.
func (s *sparse) read(ctx context.Context, p []byte, off int64) error {
	size := int64(s.values.DType.Bits()) / 8
	line := scratch.get(s.cols * size)
	defer scratch.Put(line)
	for len(p) > 0 {
		row, within := off/(s.cols*size), off%(s.cols*size)
		if err := s.row(ctx, *line, row, size); err != nil {
			return err
		}
		n := copy(p, (*line)[within:])
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// row puts the values of a row where its bits are set.
func (s *sparse) row(ctx context.Context, dst []byte, row, size int64) error {
	clear(dst)
	width := (s.cols + 7) / 8
	return withRaw(ctx, s.mask, row*width, width, func(mask []byte) error {
		first, n := s.starts[row], s.starts[row+1]-s.starts[row]
		if s.cols%8 != 0 {
			mask[width-1] &= 1<<(s.cols%8) - 1
		}
		set := int64(0)
		for _, b := range mask {
			set += int64(bits.OnesCount8(b))
		}
		if set != n {
			return s.module.corrupt("row %d has %d values, but its bits are of %d", row, n, set)
		}
		return withRaw(ctx, s.values, first, n, func(values []byte) error {
			for i, b := range mask {
				for ; b != 0; b &= b - 1 {
					at := int64(8*i+bits.TrailingZeros8(b)) * size
					if size == 2 {
						binary.LittleEndian.PutUint16(dst[at:], binary.LittleEndian.Uint16(values))
					} else {
						copy(dst[at:at+size], values)
					}
					values = values[size:]
				}
			}
			return nil
		})
	})
}
