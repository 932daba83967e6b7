package validate

import (
	"cmp"
	"math"
	"slices"
)

// tally sums up the rows of one chunk, then of one tensor.
type tally struct {
	rows, values             int64
	nan, inf, zero, overflow int64  // overflow: saturated scales
	sourceBad                int64  // rows whose source is not finite
	constant                 int64  // rows of one value that is not 0
	sum                      uint64 // of the bytes, chunk by chunk

	compared       int64   // values
	e2, x2, y2, xy float64 // of error, source, file; and their product
	worst          float64
	worstRow       int64

	tried, equal       int64   // rows that were quantized again
	te2, tx2, ty2, txy float64 // of those: as in the file
	re2, rz2, rxz      float64 // of those: as they should be
	odd                []oddRow
	far                []oddRow // rows that were left out, with the largest error
}

// sumFactor makes the sum of a tensor depend on the order of its chunks.
const sumFactor = 0x9e3779b97f4a7c15

// oddRow is a row whose bytes are not those that its source gives.
type oddRow struct {
	row    int64
	column int64   // of its worst group
	ratio  float64 // of the worst group's error to that of the same group quantized again
	share  float64 // of the worst group's error in the values of a mean group, as roots of sums of squares
}

// keptOdd is how many of the worst rows a tally remembers.
const keptOdd = 8

// merge adds the rows of a later chunk.
func (t *tally) merge(o *tally) {
	t.rows += o.rows
	t.values += o.values
	t.nan += o.nan
	t.inf += o.inf
	t.zero += o.zero
	t.overflow += o.overflow
	t.sourceBad += o.sourceBad
	t.constant += o.constant
	t.sum = t.sum*sumFactor + o.sum
	t.compared += o.compared
	t.e2 += o.e2
	t.x2 += o.x2
	t.y2 += o.y2
	t.xy += o.xy
	if o.worst > t.worst {
		t.worst, t.worstRow = o.worst, o.worstRow
	}
	t.tried += o.tried
	t.equal += o.equal
	t.te2 += o.te2
	t.tx2 += o.tx2
	t.ty2 += o.ty2
	t.txy += o.txy
	t.re2 += o.re2
	t.rz2 += o.rz2
	t.rxz += o.rxz
	for _, r := range o.odd {
		keep(&t.odd, r)
	}
	for _, r := range o.far {
		keep(&t.far, r)
	}
}

// keep inserts a row into a short list of the worst.
func keep(list *[]oddRow, r oddRow) {
	at, _ := slices.BinarySearchFunc(*list, r, func(a, b oddRow) int {
		return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(a.row, b.row))
	})
	if at >= keptOdd {
		return
	}
	*list = slices.Insert(*list, at, r)
	*list = (*list)[:min(len(*list), keptOdd)]
}

// unequal returns the number of rows that were quantized again and differ.
func (t *tally) unequal() int64 { return t.tried - t.equal }

// report fills in what a tensor's part of the report says.
func (t *tally) report(to *Tensor, compared bool) {
	to.Values = &Values{RMS: root(t.y2, t.values), NaN: t.nan, Inf: t.inf, ZeroRows: t.zero, ConstantRows: t.constant, Saturated: t.overflow}
	if !compared || t.compared == 0 {
		return
	}
	d := &Deviation{
		RMSE: root(t.e2, t.compared), Relative: fraction(t.e2, t.x2), Max: t.worst, MaxRow: t.worstRow,
		Cosine:      cosine(t.xy, t.x2, t.y2),
		Requantized: t.tried, Equal: t.equal,
		Expected: fraction(t.re2, t.tx2), Sampled: fraction(t.te2, t.tx2),
	}
	if t.e2 > 0 && t.x2 > 0 {
		snr := 10 * math.Log10(t.x2/t.e2)
		d.SNR = &snr
	}
	to.Error = d
}

// root is the root of a mean square.
func root(sum float64, n int64) float64 {
	if n == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(n))
}

// fraction is the root of a part of an energy; of nothing, it is 1.
func fraction(part, whole float64) float64 {
	switch {
	case part == 0:
		return 0
	case whole == 0:
		return 1
	}
	return math.Sqrt(part / whole)
}

// cosine of two vectors, 1 where both are 0.
func cosine(xy, x2, y2 float64) float64 {
	if x2 == 0 && y2 == 0 {
		return 1
	}
	if x2 == 0 || y2 == 0 {
		return 0
	}
	return xy / math.Sqrt(x2*y2)
}
