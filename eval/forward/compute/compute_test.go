package compute

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomMatrix draws a matrix and returns its elements, row by row. Turned, it
// is stored with a column in each line, between skipped elements.
func randomMatrix(rows, cols int, turned bool) (*Matrix, []float32) {
	random, v := rand.New(rand.NewPCG(uint64(rows), uint64(cols))), make([]float32, rows*cols)
	for i := range v {
		v[i] = float32(random.NormFloat64())
	}
	m := &Matrix{Weight: Weight{Name: "m"}, Rows: rows, Cols: cols, Turned: turned, Line: cols}
	lines := v
	if turned {
		const before, behind = 3, 2
		m.Line, m.Skip = before+rows+behind, before
		lines = make([]float32, cols*m.Line)
		for r := range rows {
			for c := range cols {
				lines[c*m.Line+before+r] = v[r*cols+c]
			}
		}
	}
	m.Encoding = Encoding{Block: 1, Bytes: 4, Decode: func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(src[4*i]) | uint32(src[4*i+1])<<8 | uint32(src[4*i+2])<<16 | uint32(src[4*i+3])<<24)
		}
	}}
	m.Fetch = func(_ context.Context, buf []byte, first, n int) ([]byte, error) {
		for i, x := range lines[first*m.Line : (first+n)*m.Line] {
			b := math.Float32bits(x)
			buf[4*i], buf[4*i+1], buf[4*i+2], buf[4*i+3] = byte(b), byte(b>>8), byte(b>>16), byte(b>>24)
		}
		return buf[:4*n*m.Line], nil
	}
	return m, v
}

// picked returns some rows of a matrix.
func picked(v []float32, cols int, rows ...int) (some []float32) {
	for _, r := range rows {
		some = append(some, v[r*cols:(r+1)*cols]...)
	}
	return some
}

func TestPartsOfMatricesMultiplyLikeTheirRows(t *testing.T) {
	const cols = 300 // more than a block of depth
	plain, v := randomMatrix(24, cols, false)
	turned, w := randomMatrix(24, cols, true)
	factor := func(row, from int) float32 { return 1 + float32(row)/8 + float32(from/100)/4 }
	scaled := *plain
	scaled.Scale = func(dst []float32, row, from int) {
		for i := range dst {
			dst[i] *= factor(row, from+i)
		}
	}
	s := slices.Clone(v)
	for i := range s {
		s[i] *= factor(i/cols, i%cols)
	}
	x := make([]float32, 5*cols)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	for name, c := range map[string]struct {
		m    *Matrix
		rows []float32
	}{
		"whole":           {plain, v},
		"part":            {plain.Part(5, 3), picked(v, cols, 5, 6, 7)},
		"turned":          {turned, w},
		"turned part":     {turned.Part(5, 3), picked(w, cols, 5, 6, 7)},
		"half of turned":  {turned.Select(24, 12, 4), picked(w, cols, 12, 13, 14, 15)},
		"turned, in turn": {turned.Select(8, 2, 3), picked(w, cols, 2, 3, 4, 10, 11, 12, 18, 19, 20)},
		"periodic":        {plain.Select(8, 2, 3), picked(v, cols, 2, 3, 4, 10, 11, 12, 18, 19, 20)},
		"joined":          {Join(plain.Select(8, 6, 2), plain.Part(0, 1)), picked(v, cols, 6, 7, 14, 15, 22, 23, 0)},
		"part of joined":  {Join(plain.Select(8, 6, 2), plain.Part(0, 1)).Part(5, 2), picked(v, cols, 23, 0)},
		"scaled":          {&scaled, s},
		"scaled periodic": {scaled.Select(8, 2, 3), picked(s, cols, 2, 3, 4, 10, 11, 12, 18, 19, 20)},
		"scaled, joined":  {Join(scaled.Part(3, 2), scaled.Select(12, 1, 1)), picked(s, cols, 3, 4, 1, 13)},
	} {
		n := len(c.rows) / cols
		if c.m.Rows != n {
			t.Errorf("%s: %d rows, not %d", name, c.m.Rows, n)
			continue
		}
		y, bias := make([]float32, 5*n), make([]float32, n)
		for i := range bias {
			bias[i] = float32(i)
		}
		err := NewCPU(2).Multiply(t.Context(), Batch{X: x, Rows: 5}, Product{W: c.m, Y: y, Bias: bias})
		if err != nil {
			t.Fatal(err)
		}
		for i := range y {
			sum := float64(bias[i%n])
			for k := range cols {
				sum += float64(x[i/n*cols+k]) * float64(c.rows[i%n*cols+k])
			}
			if math.Abs(float64(y[i])-sum) > 1e-3 {
				t.Errorf("%s: element %d is %v, not %v", name, i, y[i], sum)
				break
			}
		}
		sample, err := c.m.Sample(t.Context(), 0, n, 100, 50)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range sample {
			if want := c.rows[i/50*cols+100+i%50]; got != want {
				t.Errorf("%s: sample %d is %v, not %v", name, i, got, want)
				break
			}
		}
		if c.m.Turned {
			continue
		}
		one := make([]float32, cols)
		if _, err := c.m.Row(t.Context(), one, n-1, nil, nil); err != nil || !slices.Equal(one, c.rows[(n-1)*cols:]) {
			t.Errorf("%s: the last row is another (%v)", name, err)
		}
	}
}

// What a part shares with the others is shown to observers once.
func TestOnlyTheFirstPartIsShown(t *testing.T) {
	m, _ := randomMatrix(24, 4, false)
	if m.Part(0, 8).Hidden || !m.Part(8, 16).Hidden || m.Select(8, 2, 3).Hidden || m.Select(24, 12, 4).Hidden {
		t.Error("a selection is hidden, or a later part is not")
	}
}

func TestAlterationsSeeEveryDecodedWeightOnce(t *testing.T) {
	for _, turned := range []bool{false, true} {
		m, v := randomMatrix(24, 300, turned)
		sum, want := 0.0, 0.0
		for _, x := range v {
			want += float64(x)
		}
		alter := func(name string, values []float32) {
			if turned { // lines hold elements of others, too
				return
			}
			for i, x := range values {
				sum += float64(x)
				values[i] = 0
			}
			if name != "m" {
				t.Errorf("name %q", name)
			}
		}
		x, y := make([]float32, 300), make([]float32, 24)
		for i := range x {
			x[i] = 1
		}
		if err := NewCPU(1).Multiply(t.Context(), Batch{X: x, Rows: 1, Alter: alter}, Product{W: m, Y: y}); err != nil {
			t.Fatal(err)
		}
		if !turned && (math.Abs(sum-want) > 1e-3 || y[7] != 0) {
			t.Errorf("weights of sum %v were seen, not of %v; a product of altered ones is %v", sum, want, y[7])
		}
	}
}

func TestMasks(t *testing.T) {
	for _, c := range []struct {
		mask                         Mask
		position, length, first, end int
	}{
		{Mask{}, 5, 10, 0, 6},
		{Mask{Window: 3}, 5, 10, 3, 6},
		{Mask{Window: 30}, 5, 10, 0, 6},
		{Mask{Chunk: 4}, 5, 10, 4, 6},
		{Mask{Full: true}, 5, 10, 0, 10},
		{Mask{Full: true, Window: 4}, 5, 10, 3, 8},
		{Mask{Full: true, Window: 4}, 9, 10, 7, 10},
		{Mask{Full: true, Window: 4}, 0, 10, 0, 3},
		{Mask{Full: true, Chunk: 4}, 5, 10, 4, 8},
		{Mask{Window: 3, Chunk: 4}, 5, 10, 4, 6},
	} {
		if first, end := c.mask.Keys(c.position, c.length); first != c.first || end != c.end {
			t.Errorf("%+v: the query at %d of %d sees %d to %d, not %d to %d", c.mask, c.position, c.length, first, end, c.first, c.end)
		}
	}
}

// Products of pairs have as many digits, are the same for any number of
// workers and of rows, and leave turned matrices to others.
func TestProductsOfPairs(t *testing.T) {
	const cols, rows, tokens = 300, 70, 13
	x := make([]float32, tokens*cols)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)) * math.Exp2(float64(i/cols)))
	}
	for _, turned := range []bool{false, true} {
		m, v := randomMatrix(rows, cols, turned)
		run := func(workers int, b Batch) []float32 {
			y, bias := make([]float32, b.Rows*rows), make([]float32, rows)
			bias[3] = 1
			if err := NewCPU(workers).Multiply(t.Context(), b, Product{W: m, Y: y, Bias: bias}); err != nil {
				t.Fatal(err)
			}
			return y
		}
		y := run(1, Batch{X: x, Rows: tokens, Paired: true})
		for i := range y {
			sum, size := 0.0, 0.0
			if i%rows == 3 {
				sum = 1
			}
			for k := range cols {
				term := float64(x[i/rows*cols+k]) * float64(v[i%rows*cols+k])
				sum, size = sum+term, size+math.Abs(term)
			}
			if math.Abs(float64(y[i])-sum) > 1e-6*(size+1) {
				t.Errorf("turned %v: element %d is %v, not %v", turned, i, y[i], sum)
				break
			}
		}
		if !slices.Equal(y, run(3, Batch{X: x, Rows: tokens, Paired: true})) {
			t.Errorf("turned %v: three workers give something else", turned)
		}
		if !slices.Equal(y[:rows], run(1, Batch{X: x, Rows: 1, Paired: true})) {
			t.Errorf("turned %v: a row alone gives something else", turned)
		}
		if turned && !slices.Equal(y, run(1, Batch{X: x, Rows: tokens})) {
			t.Error("a turned matrix was multiplied in pairs")
		}
	}
}
