package rounding

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/refine/linear"
)

const (
	testRows    = 70
	testColumns = 512
)

// problem is a matrix with correlated inputs.
func problem(t testing.TB) (target []float32, a *linear.Symmetric, f *linear.Factor) {
	t.Helper()
	const n, tokens = testColumns, 700
	random := rand.New(rand.NewPCG(11, 3))
	target = make([]float32, testRows*n)
	for i := range target {
		target[i] = float32(random.NormFloat64() * 0.05)
	}
	x := make([]float32, tokens*n)
	for i := range tokens {
		common := random.NormFloat64()
		for j := range n {
			x[i*n+j] = float32((random.NormFloat64() + common*math.Sin(float64(j))) * (0.2 + float64(j%5)))
		}
	}
	sum := linear.NewSquare(n)
	if err := sum.Add(t.Context(), 2, x, tokens); err != nil {
		t.Fatal(err)
	}
	a = sum.Mean()
	a.AddDiagonal(0.05)
	f, err := linear.NewFactor(t.Context(), 2, a, 0)
	if err != nil {
		t.Fatal(err)
	}
	return target, a, f
}

// gridded are the types that have a grid.
func gridded() (list []quantize.Type) {
	for _, typ := range quantize.Types() {
		if typ.Grid != nil {
			list = append(list, typ)
		}
	}
	return list
}

// rounded is the matrix as the type's own quantizer rounds it, under the
// diagonal of A.
func rounded(typ quantize.Type, target []float32, a *linear.Symmetric) *Codes {
	weights := a.Diagonal()
	size := testColumns / typ.Block * typ.Bytes
	data := make([]byte, testRows*size)
	for r := range testRows {
		typ.Quantize(data[r*size:(r+1)*size], target[r*testColumns:(r+1)*testColumns], weights)
	}
	return Parse(typ, testRows, testColumns, data)
}

// objective is Σ e·A·eᵀ in float64, by what a reader sees.
func objective(c *Codes, target []float32, a *linear.Symmetric) float64 {
	n := testColumns
	data, values := c.Bytes(), make([]float32, len(target))
	c.typ.Dequantize(values, data)
	total := 0.0
	for r := range testRows {
		e := make([]float64, n)
		for j := range n {
			e[j] = float64(target[r*n+j]) - float64(values[r*n+j])
		}
		for i := range n {
			s := 0.0
			for j := range n {
				s += float64(a.At(i, j)) * e[j]
			}
			total += s * e[i]
		}
	}
	return total
}

func TestEveryStepLowersTheObjective(t *testing.T) {
	target, a, f := problem(t)
	for _, typ := range brief.Of(gridded(), 5) {
		t.Run(typ.Name, func(t *testing.T) {
			c := rounded(typ, target, a)
			last := objective(c, target, a)
			falls := func(step string, share float64) {
				now := objective(c, target, a)
				if !(now < share*last) {
					t.Errorf("%s: the objective was %g and is %g", step, last, now)
				}
				last = now
			}
			if err := c.Feedback(t.Context(), 2, target, f); err != nil {
				t.Fatal(err)
			}
			falls("feedback", 0.8)
			for _, step := range []string{"first descent", "second descent"} {
				if err := c.Descend(t.Context(), 2, target, a, 1); err != nil {
					t.Fatal(err)
				}
				falls(step, 1)
			}
		})
	}
}

// plainFeedback is the loop of [Codes.Feedback] in float64, one column and one
// row at a time.
func plainFeedback(c *Codes, target []float32, f *linear.Factor) {
	n := c.Columns
	for r := range c.Rows {
		errs := make([]float64, n)
		for at := 0; at < n; at += c.grid.Sub {
			sub := (r*n + at) / c.grid.Sub
			b := sub * c.grid.Sub / c.grid.Block
			d, dmin, scale, minimum := c.d[b], c.dmin[b], c.scale[sub], c.min[sub]
			least := math.Inf(1)
			var kept []uint8
			var keptErrs []float64
			for _, t := range c.trials() {
				s, m := scale+t.scale, minimum+t.min
				if s < c.grid.ScaleLow || s > c.grid.ScaleHigh || m < c.grid.MinLow || m > c.grid.MinHigh {
					continue
				}
				st := c.newStep(d, s, dmin, m)
				cost := 0.0
				var codes []uint8
				own := slices.Clone(errs)
				for j := at; j < at+c.grid.Sub; j++ {
					x := float64(target[r*n+j])
					for i := range j {
						x += own[i] * float64(f.R.At(i, j))
					}
					code, off := 0, math.Inf(1)
					for k, level := range c.values {
						if d := math.Abs(x - float64(st.value(level))); d < off {
							code, off = k, d
						}
					}
					codes = append(codes, uint8(code))
					own[j] = float64(target[r*n+j]) - float64(st.value(c.values[code]))
					cost += off * off * float64(f.D[j])
				}
				if cost < least {
					least, kept, keptErrs = cost, codes, own
					c.scale[sub], c.min[sub] = s, m
				}
			}
			copy(c.code[r*n+at:], kept)
			errs = keptErrs
		}
	}
}

func TestFeedbackIsThePlainLoop(t *testing.T) {
	target, a, f := problem(t)
	const rows = 3
	for _, name := range []string{"Q2_K", "Q3_K", "Q4_K", "IQ4_XS"} {
		typ, _ := quantize.ByName(name)
		part := func() *Codes {
			c := rounded(typ, target, a)
			return Parse(typ, rows, testColumns, c.Bytes()[:rows*testColumns/typ.Block*typ.Bytes])
		}
		got, want := part(), part()
		if err := got.Feedback(t.Context(), 1, target[:rows*testColumns], f); err != nil {
			t.Fatal(err)
		}
		plainFeedback(want, target, f)
		same := 0
		for i, v := range got.code {
			if v == want.code[i] {
				same++
			}
		}
		// One tie that rounds the other way changes what follows in its row.
		if share := float64(same) / float64(len(got.code)); share < 0.6 {
			t.Errorf("%s: %.1f %% of the codes are those of the plain loop", name, 100*share)
		}
		if !slices.Equal(got.code[:c0(typ)], want.code[:c0(typ)]) || got.scale[0] != want.scale[0] {
			t.Errorf("%s: the first sub-block is not that of the plain loop", name)
		}
	}
}

// c0 is the number of values of the first sub-block.
func c0(typ quantize.Type) int { return typ.Grid.Sub }

func TestDescentKeepsTheSlope(t *testing.T) {
	target, a, _ := problem(t)
	typ, _ := quantize.ByName("Q4_K")
	c := rounded(typ, target, a)
	before := make([]float32, len(target))
	c.Values(before)
	d := new(desk)
	w := descent{Codes: c, row: 1, from: 256, a: a, slope: d.x[:256], change: d.errs[:256]}
	for i := range w.slope {
		w.slope[i] = float32(i%7) * 0.01
	}
	first := slices.Clone(w.slope)
	var diagonal linear.Panels
	a.LoadUpper(&diagonal, 256, 256, 256, 256)
	changed := d.descend([]descent{w}, &diagonal, nil)
	after := make([]float32, len(target))
	c.Values(after)
	if !changed {
		t.Fatal("nothing has changed")
	}
	for k := range w.slope {
		want, at := float64(first[k]), testColumns+256
		for j := range w.slope {
			want -= float64(after[at+j]-before[at+j]) * float64(w.line(j)[k])
		}
		if math.Abs(want-float64(w.slope[k])) > 1e-4 {
			t.Fatalf("the slope at %d is %v, by what has changed %v", k, w.slope[k], want)
		}
		if d := before[at+k] - after[at+k] - w.change[k]; math.Abs(float64(d)) > 1e-6 {
			t.Fatalf("value %d has changed by %v more than was noted", k, d)
		}
	}
	after = slices.Concat(after[:testColumns+256], before[testColumns+256:2*testColumns], after[2*testColumns:])
	if !slices.Equal(after, before) {
		t.Error("values outside the span have changed")
	}
}

func TestCodesDoNotDependOnWorkers(t *testing.T) {
	target, a, f := problem(t)
	typ, _ := quantize.ByName("Q3_K")
	var first []byte
	for _, workers := range []int{1, 2, 5} {
		c := rounded(typ, target, a)
		if err := c.Feedback(t.Context(), workers, target, f); err != nil {
			t.Fatal(err)
		}
		if err := c.Descend(t.Context(), workers, target, a, 2); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = c.Bytes()
		}
		if !bytes.Equal(first, c.Bytes()) {
			t.Errorf("%d workers give other codes", workers)
		}
	}
}

func TestNearestLevelIsTheNearest(t *testing.T) {
	for _, typ := range brief.Of(gridded(), 5) {
		l := levelsOf(typ.Grid.Levels)
		for x := float32(-140); x < 140; x += 0.37 {
			code, off := 0, float32(math.Inf(1))
			for k, level := range l.values {
				if d := max(x-level, level-x); d < off {
					code, off = k, d
				}
			}
			if got := l.nearest(x); int(got) != code {
				t.Fatalf("%s: %v has code %d, want %d", typ.Name, x, got, code)
			}
		}
	}
}

// TestStartsAreNearTheBest: the scale that a block begins with, of those that
// have no others, leaves hardly more than the best of many by the plain formula.
func TestStartsAreNearTheBest(t *testing.T) {
	target, a, f := problem(t)
	for _, typ := range gridded() {
		c := rounded(typ, target, a)
		if !c.whole() {
			continue
		}
		left := func(at int, d float64) (sum float64) {
			for i := at; i < at+typ.Block; i++ {
				least := math.Inf(1)
				for _, level := range c.values {
					off := float64(target[i]) - d*float64(level)
					least = min(least, off*off*float64(f.D[i]))
				}
				sum += least
			}
			return sum
		}
		c.start(0, target[:testColumns], f.D)
		for b := range testColumns / typ.Block {
			best := math.Inf(1)
			for k := range 200 {
				best = min(best, left(b*typ.Block, 0.001*float64(k+1)))
			}
			if got := left(b*typ.Block, float64(c.d[b])); got > 1.02*best {
				t.Errorf("%s: block %d starts with %g, and the best leaves %g", typ.Name, b, got, best)
			}
		}
	}
}
