package unpack

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// blockLen is the number of weights that a block of the types below holds.
const blockLen = 32

// form is a block type that can hold the codes of an affine matrix.
type form struct {
	id        gguf.Type
	low, high int16 // of the codes less their offsets
	added     bool  // whether blocks have an offset
	put       func(block []byte, codes []int16)
}

// forms are in the order of their size.
var forms = []form{
	{gguf.TypeQ4_0, -8, 7, false, func(b []byte, codes []int16) { putNibbles(b[2:], codes, 8) }},
	{gguf.TypeQ5_0, -16, 15, false, func(b []byte, codes []int16) { putFives(b[2:], codes, 16) }},
	{gguf.TypeQ8_0, -128, 127, false, func(b []byte, codes []int16) {
		for i, c := range codes {
			b[2+i] = byte(int8(c))
		}
	}},
	{gguf.TypeQ4_1, 0, 15, true, func(b []byte, codes []int16) { putNibbles(b[4:], codes, 0) }},
	{gguf.TypeQ5_1, 0, 31, true, func(b []byte, codes []int16) { putFives(b[4:], codes, 0) }},
}

// putNibbles writes codes of 4 bits: number j beside number j + 16.
func putNibbles(dst []byte, codes []int16, zero int16) {
	const half = blockLen / 2
	dst, codes = dst[:half:half], codes[:blockLen:blockLen]
	for j := range dst {
		dst[j] = byte(codes[j]+zero)&15 | byte(codes[j+half]+zero)<<4
	}
}

// putFives writes codes of 5 bits: their high bits in one word, then the rest.
func putFives(dst []byte, codes []int16, zero int16) {
	high := uint32(0)
	for j, c := range codes {
		high |= uint32(c+zero) >> 4 & 1 << j
	}
	binary.LittleEndian.PutUint32(dst, high)
	putNibbles(dst[4:], codes, zero)
}

// exact finds the smallest block type that holds every weight of the matrix
// as it is: blocks must not straddle groups, the scales and offsets must be
// half-precision floats, and the codes must fit.
func (a *affine) exact(ctx context.Context) (Packed, bool, error) {
	if !a.aligned() {
		return Packed{}, false, nil
	}
	low, high, ok, err := a.scan(ctx)
	if err != nil || !ok {
		return Packed{}, false, err
	}
	for i := range forms {
		f := &forms[i]
		if f.added == a.added && f.low <= low && high <= f.high {
			return Packed{Type: f.id, Rows: a.packed(f)}, true, nil
		}
	}
	return Packed{}, false, nil
}

// aligned reports whether every block lies in one group.
func (a *affine) aligned() bool {
	if a.cols%blockLen != 0 {
		return false
	}
	for from := int64(0); from < a.cols; from += blockLen {
		for i := from + 1; i < from+blockLen; i++ {
			if a.group(i) != a.group(from) {
				return false
			}
		}
	}
	return true
}

// scanned is how many parameters are looked at together.
const scanned = 1 << 15

// scan reads all scales and offsets. It returns the bounds of the codes, less
// their offsets where those are taken off them; ok is false where a parameter
// is not a half-precision float, or such an offset no whole number.
func (a *affine) scan(ctx context.Context) (low, high int16, ok bool, err error) {
	step := max(scanned/a.groups/tileRows, 1) * tileRows
	scale, offset := make([]float32, step*a.groups), make([]float32, step*a.groups)
	if low, high = math.MaxInt16, math.MinInt16; a.added {
		low, high = 0, a.high
	}
	for first := int64(0); first < a.rows; first += step {
		n := min(step, a.rows-first)
		count := n * a.groups
		if err := a.params(ctx, first, n, scale[:count], offset[:count]); err != nil {
			return 0, 0, false, err
		}
		for i, s := range scale[:count] {
			z := offset[i]
			switch {
			case !isHalf(s):
				return 0, 0, false, nil
			case a.added && isHalf(z):
			case !a.added && z == float32(int16(z)) && z >= -256 && z <= 256:
				low, high = min(low, -int16(z)), max(high, a.high-int16(z))
			default:
				return 0, 0, false, nil
			}
		}
	}
	return low, high, true, nil
}

// isHalf reports whether a half-precision float has the value.
func isHalf(x float32) bool {
	bits := math.Float32bits(x)
	if e := bits >> 23 & 0xff; e >= 127-14 && e <= 127+15 { // nearly every scale
		return bits&(1<<13-1) == 0
	}
	return dtype.F16ToF32(dtype.F32ToF16(x)) == x && !math.IsInf(float64(x), 0)
}

// packed are the rows in a block type. Every value is read back and compared.
func (a *affine) packed(f *form) transform.Rows {
	size := int64(f.id.BlockBytes())
	out := transform.Rows{DType: dtype.U8, Columns: a.cols / blockLen * size, Count: a.rows}
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		line, codes := make([]byte, out.Columns), make([]int16, blockLen)
		want, got := make([]float32, a.cols), make([]float32, a.cols)
		return a.eachRow(ctx, p, off, out.Columns, func(t *tile, r, within int64, dst []byte) error {
			for b := range a.cols / blockLen {
				from := b * blockLen
				g := r*a.groups + a.group(from)
				block := line[b*size : (b+1)*size]
				binary.LittleEndian.PutUint16(block, dtype.F32ToF16(t.scale[g]))
				zero := int16(0)
				if f.added {
					binary.LittleEndian.PutUint16(block[2:], dtype.F32ToF16(t.offset[g]))
				} else {
					zero = int16(t.offset[g])
				}
				for i, c := range t.codes[r*a.cols+from:][:blockLen] {
					codes[i] = int16(c) - zero
				}
				f.put(block, codes)
			}
			a.values(want, t, r)
			if err := compare(f.id, line, want, got, 1, false); err != nil {
				return err
			}
			copy(dst, line[within:])
			return nil
		})
	}
	return out
}

// compare decodes a row and compares it, times a factor, with the weights that
// it is to hold.
func compare(id gguf.Type, line []byte, want, got []float32, factor float32, rounded bool) error {
	decoders[id](got, line)
	got = got[:len(want)]
	for i, v := range want {
		if x := got[i] * factor; !near(x, v, rounded) {
			return fault.Op("unpack").Corrupt("column %d: weight %v would become %v as %s", i, v, x, id)
		}
	}
	return nil
}
