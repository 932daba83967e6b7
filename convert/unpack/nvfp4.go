package unpack

import (
	"context"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// A block of NVFP4 has four scales, and then the codes of each: the first half
// of the numbers in the low halves of bytes, the second in the high ones.
const (
	nvNumbers = 64
	nvScales  = 4
	nvBytes   = nvScales + nvNumbers/2
)

// nvfp4 are the rows as blocks of NVFP4, whose products are still to be
// multiplied with a factor for each matrix. The scales of blocks have no sign.
func (f fourBits) nvfp4(ctx context.Context) (Packed, bool, error) {
	if f.group != nvNumbers/nvScales || f.cols()%nvNumbers != 0 {
		return Packed{}, false, nil
	}
	scales, err := f.scalesOf(ctx)
	if err != nil {
		return Packed{}, false, err
	}
	var factors []float32
	rounded := false
	for i, own := range scales {
		factor, exact, ok := f.factored(own, i)
		if !ok {
			return Packed{}, false, nil
		}
		factors, rounded = append(factors, factor), rounded || !exact
	}
	if f.factor == nil {
		factors = nil
	}
	size := f.cols() / nvNumbers * nvBytes
	rows := transform.Rows{DType: dtype.U8, Columns: size, Count: f.rows()}
	weights := f.floats()
	rows.Read = func(ctx context.Context, p []byte, off int64) error {
		line, raw := make([]byte, size), make([]byte, 4*f.cols())
		want, got := make([]float32, f.cols()), make([]float32, f.cols())
		for len(p) > 0 {
			row := off / size
			if err := f.packNVFP4(ctx, line, row); err != nil {
				return err
			}
			if err := weights.Read(ctx, raw, row*int64(len(raw))); err != nil {
				return err
			}
			if err := dtype.ToFloat32(want, raw, dtype.F32); err != nil {
				return err
			}
			factor := float32(1)
			if factors != nil {
				factor = factors[row/f.shape[len(f.shape)-2]]
			}
			if err := compare(gguf.TypeNVFP4, line, want, got, factor, rounded); err != nil {
				return err
			}
			n := copy(p, line[off%size:])
			p, off = p[n:], off+int64(n)
		}
		return nil
	}
	return Packed{Type: gguf.TypeNVFP4, Rows: rows, Factors: factors, Rounded: rounded}, true, nil
}

// scalesOf finds which scales every matrix has.
func (f *fourBits) scalesOf(ctx context.Context) ([][256]bool, error) {
	matrix := f.shape[len(f.shape)-2] * f.cols() / f.group // scales of one
	found := make([][256]bool, f.rows()/f.shape[len(f.shape)-2])
	for i := range found {
		for from := int64(0); from < matrix; from += scanned {
			err := withRaw(ctx, f.scales, int64(i)*matrix+from, min(scanned, matrix-from), func(raw []byte) error {
				for _, s := range raw {
					found[i][s] = true
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// factored returns the factor under which blocks of NVFP4 give every weight
// of a matrix that has these scales, exactly or but for its rounding; ok is
// false where none does.
func (f *fourBits) factored(scales [256]bool, matrix int) (factor float32, exact, ok bool) {
	stored := float32(1)
	if f.factor != nil {
		stored = f.of(int64(matrix) * f.shape[len(f.shape)-2])
	}
	factor, exact = f.weight(1, 1, stored), true
	for b, found := range scales {
		if !found {
			continue
		}
		if b > 0x7e { // it has a sign, or is no number
			return 0, false, false
		}
		s := dtype.F8E4M3ToF32(byte(b))
		for _, v := range magnitudes {
			want, got := f.weight(v, s, stored), float32(v*s)*factor
			if exact = exact && got == want; !near(got, want, f.scaled != nil) {
				return 0, false, false
			}
		}
	}
	return factor, exact, true
}

// packNVFP4 makes blocks of one row.
func (f *fourBits) packNVFP4(ctx context.Context, line []byte, row int64) error {
	cols, width := f.cols(), int64(f.codes.DType.Bits())/8
	return withRaw(ctx, f.scales, row*cols/f.group, cols/f.group, func(scales []byte) error {
		return withRaw(ctx, f.codes, row*cols/2/width, cols/2/width, func(codes []byte) error {
			for len(line) > 0 {
				copy(line[:nvScales], scales)
				for s := range nvScales {
					from, to := codes[8*s:][:8], line[nvScales+8*s:][:8]
					for j := range to {
						low, high := from[j/2]>>(j%2*4)&15, from[4+j/2]>>(j%2*4)&15
						to[j] = low | high<<4
					}
				}
				line, scales, codes = line[nvBytes:], scales[nvScales:], codes[nvNumbers/2:]
			}
			return nil
		})
	})
}
