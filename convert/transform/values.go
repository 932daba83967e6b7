package transform

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// Map applies f to every element, in float32. Elements of an F16 tensor are
// rounded to F16 again, as arithmetic on them in the source's precision does.
func Map(r Rows, f func(float32) float32) Rows {
	return MapRows(r, func(_ int64, x float32) float32 { return f(x) })
}

// MapRows is Map with a function that is told the row.
func MapRows(r Rows, f func(row int64, x float32) float32) Rows {
	const four = 4 // bytes of a float32
	out := r
	out.DType = dtype.F32
	out.Read = func(ctx context.Context, p []byte, off int64) error {
		values := newValues(p)
		defer values.release()
		if err := values.load(ctx, r, off/four); err != nil {
			return err
		}
		for i, x := range values.x {
			y := f((off/four+int64(i))/r.Columns, x)
			if r.DType == dtype.F16 {
				y = dtype.F16ToF32(dtype.F32ToF16(y))
			}
			values.x[i] = y
		}
		values.store(p)
		return nil
	}
	return out
}

// values is a scratch slice of float32 for one read.
type values struct{ x []float32 }

var scratch = sync.Pool{New: func() any { return new(values) }}

// newValues returns a slice with one element for every four bytes of p.
func newValues(p []byte) *values {
	v := scratch.Get().(*values)
	v.resize(len(p) / 4)
	return v
}

func (v *values) resize(n int) {
	if cap(v.x) < n {
		v.x = make([]float32, n)
	}
	v.x = v.x[:n]
}

func (v *values) release() { scratch.Put(v) }

// load fills v with elements of r from an index on.
func (v *values) load(ctx context.Context, r Rows, first int64) error {
	return load(ctx, v.x, r, first)
}

// store writes v as little-endian float32.
func (v *values) store(p []byte) {
	for i, x := range v.x {
		binary.LittleEndian.PutUint32(p[4*i:], math.Float32bits(x))
	}
}

// raw holds pooled buffers for elements in the source's encoding.
var raw = sync.Pool{New: func() any { return new([]byte) }}

// load fills dst with elements of r from an index on.
func load(ctx context.Context, dst []float32, r Rows, first int64) error {
	element := r.ElementBytes()
	buffer := raw.Get().(*[]byte)
	defer raw.Put(buffer)
	n := len(dst) * int(element)
	if cap(*buffer) < n {
		*buffer = make([]byte, n)
	}
	p := (*buffer)[:n]
	if err := r.Read(ctx, p, first*element); err != nil {
		return err
	}
	if err := dtype.ToFloat32(dst, p, r.DType); err != nil || r.DType != dtype.F64 {
		return err
	}
	for i, x := range dst {
		if wide := math.Float64frombits(binary.LittleEndian.Uint64(p[8*i:])); math.IsInf(float64(x), 0) && !math.IsInf(wide, 0) {
			return &tooWide{i, wide}
		}
	}
	return nil
}

// tooWide is the error of a double that is out of the range of float32.
type tooWide struct {
	at    int // among the elements that were to be read
	value float64
}

func (e *tooWide) Error() string {
	return fmt.Sprintf("%g is out of the range of F32, the widest type that is written", e.value)
}

func (e *tooWide) Unwrap() error { return fault.ErrCorrupt }
