package refine

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/refine/linear"
)

// TestExpertsShareWhatTheySaw: the second moments of an expert that saw T rows
// of C columns are T parts its own and C parts those of all.
func TestExpertsShareWhatTheySaw(t *testing.T) {
	const columns, few, many = 32, 20, 70
	random := rand.New(rand.NewPCG(5, 1))
	drawn := func(rows int) []float32 {
		x := make([]float32, rows*columns)
		for i := range x {
			x[i] = float32(random.NormFloat64())
		}
		return x
	}
	moment := func(x []float32, i, j int) (sum float64) {
		for r := 0; r < len(x); r += columns {
			sum += float64(x[r+i]) * float64(x[r+j])
		}
		return sum / float64(len(x)/columns)
	}
	a, b := drawn(few), drawn(many)
	p := new(pool)
	if err := p.add(t.Context(), 1, map[int]forward.Input{0: {X: a, Cols: columns}, 3: {X: b, Cols: columns}}); err != nil {
		t.Fatal(err)
	}
	sum := linear.NewSquare(columns)
	if err := sum.Add(t.Context(), 1, a, few); err != nil {
		t.Fatal(err)
	}
	own := sum.Mean()
	share := p.shrink(own, few)
	if share != float32(few)/(few+columns) {
		t.Errorf("%v of it is its own", share)
	}
	for i := range columns {
		for j := range columns {
			all := (few*moment(a, i, j) + many*moment(b, i, j)) / (few + many)
			want := (few*moment(a, i, j) + columns*all) / (few + columns)
			if got := float64(own.At(i, j)); math.Abs(got-want) > 1e-5 {
				t.Fatalf("element %d, %d is %v, not %v", i, j, got, want)
			}
		}
	}
	if (*pool)(nil).shrink(own, few) != 1 {
		t.Error("a matrix that is no expert shares")
	}
}
