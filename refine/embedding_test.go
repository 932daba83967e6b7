package refine

import (
	"math"
	"testing"
)

func TestDivergencesAreThePlainOnes(t *testing.T) {
	// Probabilities 1/2, 1/4, 1/4 and 1/4, 1/4, 1/2; then equal ones.
	base := []float32{float32(math.Ln2), 0, 0, 1, 2, 3}
	other := []float32{0, 0, float32(math.Ln2), 1, 2, 3}
	kld, spread := divergences(base, other, 3)
	p := [3]float64{}
	sum := math.Exp(1) + math.Exp(2) + math.Exp(3)
	for i := range p {
		p[i] = math.Exp(float64(i+1)) / sum
	}
	wantSpread := (1 - 0.375 + 1 - p[0]*p[0] - p[1]*p[1] - p[2]*p[2]) / 2
	if want := (0.5*math.Ln2 - 0.25*math.Ln2) / 2; math.Abs(kld-want) > 1e-7 || math.Abs(spread-wantSpread) > 1e-7 {
		t.Errorf("%g and %g, want %g and %g", kld, spread, want, wantSpread)
	}
}

func TestErrorsCostTheirSquareBesides(t *testing.T) {
	m := &moments{unit: &unit{columns: 2}, flat: 0.5}
	if one, two := m.flatCost([]float32{1, 2}, []float32{1, 4}), m.flatCost([]float32{3, 4}, []float32{0, 4}); one != 2 || two != 4.5 {
		t.Error(one, two)
	}
}
