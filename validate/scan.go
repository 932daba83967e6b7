package validate

import (
	"bytes"
	"context"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// job is one tensor to be scanned.
type job struct {
	file   gguf.Stream
	typ    quantize.Type
	source *origin // nil where there is nothing to compare with
	scales []int   // offsets in a block

	factors []float32 // of its matrices, which their source has multiplied already; nil for none

	glance bool  // rows whose scales and first values are sound are not decoded
	step   int64 // rows of a chunk
	stride int64 // of the rows that are quantized again; 0 for none
	tally  tally
}

// scanner holds what one goroutine keeps from row to row.
type scanner struct {
	raw, rawSource   []byte
	x, y, z, rounded []float32
	again            []byte
	ones             []float32
	useless          int // rows of this chunk that no way of rounding explained
}

// grow returns a slice of n items, p itself where it is large enough.
func grow[T any](p []T, n int64) []T {
	if int64(cap(p)) < n {
		return make([]T, n)
	}
	return p[:n]
}

// scan reads rows [first, first+rows) of a tensor and of its source.
func (s *scanner) scan(ctx context.Context, j *job, first, rows int64) (*tally, error) {
	t := &tally{}
	if err := s.load(ctx, j, first, rows); err != nil {
		return nil, err
	}
	columns, rowBytes := j.file.Columns(), j.file.RowBytes()
	s.useless = 0
	t.sum = xxhash.Sum64(s.raw)
	for i := range rows {
		raw := s.raw[i*rowBytes:][:rowBytes]
		t.rows++
		t.values += columns
		if len(j.scales) > 0 {
			t.overflow += saturated(j.typ, j.scales, raw)
		}
		if j.glance && s.sound(j.typ, raw) {
			continue
		}
		j.typ.Dequantize(s.y, raw)
		multiply(s.y, j.factor(first+i))
		bad, zero := t.inspect(s.y)
		if zero {
			t.zero++
		} else if !bad && constant(s.y) {
			t.constant++
		}
		if j.source == nil {
			continue
		}
		source := s.sourceRow(j, i)
		if bad {
			continue
		}
		if !finite(s.x) {
			t.sourceBad++
			continue
		}
		far := t.compare(s.x, s.y, first+i, j.group())
		if j.stride > 0 && (first+i)%j.stride == 0 {
			s.requantize(j, t, raw, source, first+i)
		} else if j.stride > 0 {
			keep(&t.far, far)
		}
	}
	return t, nil
}

// sound reports whether a row is seen at a glance to be finite and neither zero
// nor constant.
func (s *scanner) sound(typ quantize.Type, raw []byte) bool {
	n := min(len(s.y), max(typ.Block, fewColumns))
	head := s.y[:n-n%typ.Block]
	typ.Dequantize(head, raw)
	for _, v := range head {
		if v != head[0] {
			return typ.Finite(raw)
		}
	}
	return false
}

// load reads the rows of the file and, as they are stored, of the source.
func (s *scanner) load(ctx context.Context, j *job, first, rows int64) error {
	columns := j.file.Columns()
	s.raw = grow(s.raw, rows*j.file.RowBytes())
	s.y, s.x, s.z, s.rounded = grow(s.y, columns), grow(s.x, columns), grow(s.z, columns), grow(s.rounded, columns)
	s.again = grow(s.again, j.file.RowBytes())
	if err := j.file.ReadRows(ctx, s.raw, first); err != nil {
		return err
	}
	if j.source == nil {
		return nil
	}
	s.rawSource = grow(s.rawSource, rows*j.source.RowBytes())
	return j.source.ReadRows(ctx, s.rawSource, first)
}

// sourceRow decodes the i-th row that was loaded from the source.
func (s *scanner) sourceRow(j *job, i int64) []byte {
	size := j.source.RowBytes()
	raw := s.rawSource[i*size:][:size]
	j.source.decode(s.x, raw)
	return raw
}

// recheck quantizes single rows again.
func (s *scanner) recheck(ctx context.Context, j *job, rows []oddRow, t *tally) error {
	for _, r := range rows {
		if err := s.load(ctx, j, r.row, 1); err != nil {
			return err
		}
		j.typ.Dequantize(s.y, s.raw)
		multiply(s.y, j.factor(r.row))
		s.useless = 0
		s.requantize(j, t, s.raw, s.sourceRow(j, 0), r.row)
	}
	return nil
}

// factor is what the weights of a row are still to be multiplied with.
func (j *job) factor(row int64) float32 {
	if j.factors == nil {
		return 1
	}
	return j.factors[row/(j.file.Rows()/int64(len(j.factors)))]
}

func multiply(x []float32, factor float32) {
	if factor == 1 {
		return
	}
	for i := range x {
		x[i] *= factor
	}
}

// alike reports whether weights differ by no more than a rounded factor makes.
func alike(x, y float32) bool {
	return math.Abs(float64(x)-float64(y))*(1<<22) <= math.Abs(float64(x))
}

// group is how many values share what a damaged scale would spoil.
func (j *job) group() int { return max(j.typ.Block, 32) }

// inspect looks for what is wrong with values by themselves.
func (t *tally) inspect(y []float32) (bad, zero bool) {
	zero = true
	sum := 0.0
	for _, v := range y {
		zero = zero && v == 0
		sum += float64(v) * float64(v)
	}
	if sum-sum != 0 { // not finite
		for _, v := range y {
			switch f := float64(v); {
			case math.IsNaN(f):
				t.nan++
			case math.IsInf(f, 0):
				t.inf++
			}
		}
		return true, false
	}
	t.y2 += sum
	return false, zero
}

// fewColumns is how long a row is in which equal values mean something.
const fewColumns = 32

// constant reports whether all values of a row are the same.
func constant(y []float32) bool {
	for _, v := range y {
		if v != y[0] {
			return false
		}
	}
	return len(y) >= fewColumns
}

func finite(x []float32) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// compare adds the error of a row and returns its worst group.
func (t *tally) compare(x, y []float32, row int64, group int) oddRow {
	far := oddRow{row: row}
	for at := 0; at < len(x); at += group {
		end := min(at+group, len(x))
		e2, x2 := 0.0, 0.0
		for i := at; i < end; i++ {
			a, b := float64(x[i]), float64(y[i])
			d := a - b
			e2 += d * d
			x2 += a * a
			t.xy += a * b
			if d = math.Abs(d); d > t.worst {
				t.worst, t.worstRow = d, row
			}
		}
		t.e2 += e2
		t.x2 += x2
		if ratio := fraction(e2, x2); ratio > far.ratio {
			far.ratio, far.column = ratio, int64(at)
		}
	}
	t.compared += int64(len(x))
	return far
}

// requantize holds a row of the file to the bytes that its source gives.
// Where they differ, ways by which a file comes to be made are tried: from
// F16, from BF16. Where none fits, the error tells.
func (s *scanner) requantize(j *job, t *tally, raw, source []byte, row int64) {
	t.tried++
	switch factor := j.factor(row); {
	case j.source.Type == j.file.Type: // such tensors are copied
		copy(s.again, source)
	case factor != 0 && factor != 1:
		s.z = append(s.z[:0], s.x...)
		multiply(s.z, 1/factor)
		j.typ.Quantize(s.again, s.z, s.weights(j))
	default:
		j.typ.Quantize(s.again, s.x, s.weights(j))
	}
	equal := bytes.Equal(s.again, raw) || j.source.Type != j.file.Type && (j.factors != nil && slices.EqualFunc(s.x, s.y, alike) || s.explained(j, raw))
	if equal {
		t.equal++
		s.z = append(s.z[:0], s.y...)
	} else {
		j.typ.Dequantize(s.z, s.again)
		multiply(s.z, j.factor(row))
		keep(&t.odd, s.judge(row, j.group()))
	}
	for i, a := range s.x {
		x, y, z := float64(a), float64(s.y[i]), float64(s.z[i])
		t.te2 += (x - y) * (x - y)
		t.re2 += (x - z) * (x - z)
		t.tx2 += x * x
		t.ty2 += y * y
		t.txy += x * y
		t.rz2 += z * z
		t.rxz += x * z
	}
}

// maxUseless is after how many rows of a chunk other ways are given up.
const maxUseless = 8

// explained reports whether the row is what its source gives by way of another
// type. It leaves in again what the source gives directly.
func (s *scanner) explained(j *job, raw []byte) bool {
	if s.useless >= maxUseless {
		return false
	}
	direct := bytes.Clone(s.again)
	for _, round := range []func(float32) float32{
		func(x float32) float32 { return dtype.F16ToF32(dtype.F32ToF16(x)) },
		func(x float32) float32 { return dtype.BF16ToF32(dtype.F32ToBF16(x)) },
	} {
		changed := false
		for i, x := range s.x {
			s.rounded[i] = round(x)
			changed = changed || s.rounded[i] != x
		}
		if !changed || !finite(s.rounded) {
			continue
		}
		j.typ.Quantize(s.again, s.rounded, s.weights(j))
		if bytes.Equal(s.again, raw) {
			return true
		}
	}
	copy(s.again, direct)
	s.useless++
	return false
}

// weights are all 1 for the types that cannot do without.
func (s *scanner) weights(j *job) []float32 {
	if !j.typ.NeedsWeights {
		return nil
	}
	for len(s.ones) < len(s.x) {
		s.ones = append(s.ones, 1)
	}
	return s.ones[:len(s.x)]
}

// judge compares, group by group, the error of a row with the one it would
// have if it were quantized again. A tenth of the mean is added to both, so
// that groups which happen to fit well do not count.
func (s *scanner) judge(row int64, group int) oddRow {
	mean, whole := 0.0, 0.0
	for i, x := range s.x {
		d := float64(x) - float64(s.z[i])
		mean += d * d
		whole += float64(x) * float64(x)
	}
	whole /= float64(len(s.x))
	mean = max(mean/float64(len(s.x)), 1e-60) // an exact copy leaves nothing
	worst := oddRow{row: row}
	for at := 0; at < len(s.x); at += group {
		end := min(at+group, len(s.x))
		floor := mean / 10 * float64(end-at)
		file, again, energy := floor, floor, 0.0
		for i := at; i < end; i++ {
			x := float64(s.x[i])
			file += (x - float64(s.y[i])) * (x - float64(s.y[i]))
			again += (x - float64(s.z[i])) * (x - float64(s.z[i]))
			energy += x * x
		}
		if ratio := math.Sqrt(file / again); ratio > worst.ratio {
			worst.ratio, worst.column, worst.share = ratio, int64(at), fraction(file-floor, max(energy, whole*float64(end-at)))
		}
	}
	return worst
}
