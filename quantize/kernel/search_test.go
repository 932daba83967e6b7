package kernel

import (
	"slices"
	"testing"
)

// grid is a fixed sequence of levels 0…nmax that holds both ends.
func grid(n, nmax int) []uint8 {
	levels := make([]uint8, n)
	for i := range levels {
		levels[i] = uint8(i * 7 % (nmax + 1))
	}
	levels[1], levels[2] = 0, uint8(nmax)
	return levels
}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }

func TestSearchMinFindsAnExactGrid(t *testing.T) {
	for _, m := range minSearches {
		want := grid(16, int(m.NMax))
		x := make([]float32, 16)
		for i, l := range want {
			x[i] = 0.25*float32(l) - 1.5
		}
		scale, offset, inverse, from := m.group(x, ones(16), make([]float32, 16))
		levels := make([]uint8, 16)
		Rounding{High: m.NMax}.multiply(levels, x, 16, []float32{inverse}, []float32{-from})
		if scale != 0.25 || offset != 1.5 || !slices.Equal(levels, want) {
			t.Errorf("up to %d: scale %v, offset %v, levels %v; want 0.25, 1.5, %v", m.NMax, scale, offset, levels, want)
		}
	}
}

func TestSearchMinKeepsZeroInReach(t *testing.T) {
	m := &minSearches[1]
	x := []float32{3, 3.5, 4, 3.25, 3, 4, 3.75, 3.5, 3, 3.5, 4, 3.25, 3, 4, 3.75, 3.5}
	levels := make([]float32, 16)
	if _, offset, _, _ := m.group(x, ones(16), levels); offset != 0 {
		t.Errorf("the offset of positive values is %v, want 0", offset)
	}
	zero := make([]float32, 16)
	scale, offset, inverse, from := m.group(zero, ones(16), levels)
	if scale != 0 || offset != 0 || inverse != 0 || from != 0 {
		t.Errorf("zeros give scale %v, offset %v, levels of %v·(x-%v)", scale, offset, inverse, from)
	}
}

func TestScaleSearchesFindAnExactGrid(t *testing.T) {
	const nmax = 4
	want := make([]float32, 16)
	x := make([]float32, 16)
	for i, l := range grid(16, 2*nmax-1) {
		want[i] = float32(l) - nmax
		x[i] = 0.125 * want[i]
	}
	c := NewScaleSearch(nmax)
	if scale, inverse := c.Group(x, ones(16)); scale != 0.125 || inverse != 8 {
		t.Errorf("scale %v, inverse %v; want 0.125, 8", scale, inverse)
	}
	levels := make([]float32, 16)
	if scale := descend(x, levels, nmax); scale != 0.125 || !slices.Equal(levels, want) {
		t.Errorf("descent: scale %v, levels %v; want 0.125, %v", scale, levels, want)
	}
}

func TestSearchPositiveFindsAnExactGrid(t *testing.T) {
	want := grid(8, 63)
	x := make([]float32, 8)
	for i, l := range want {
		x[i] = 0.5 * float32(l)
	}
	levels := make([]uint8, 8)
	c := NewPositiveSearch(63)
	if scale := c.Group(x, ones(8), levels); scale != 0.5 || !slices.Equal(levels, want) {
		t.Errorf("scale %v, levels %v; want 0.5, %v", scale, levels, want)
	}
}

// TestOutlierOfNoWeightGivesWay holds the point of weights: the rest fits
// better when a value counts for nothing.
func TestOutlierOfNoWeightGivesWay(t *testing.T) {
	x, w := make([]float32, 32), ones(32)
	for i := range x {
		x[i] = float32(i%16) - 7.5
	}
	x[0] = -9
	m := NewMinSearch(15, -0.9, 0.05, 37, false)
	levels := make([]float32, 32)
	rest := func(weight float32) float32 {
		w[0] = weight
		scale, offset, inverse, from := m.group(x, w, levels)
		for i, v := range x {
			levels[i] = level(inverse*(v-from), 0, 15)
		}
		return m.fitError(x[1:], w[1:], levels[1:], scale, -offset)
	}
	if without, with := rest(0), rest(1); without >= with {
		t.Errorf("the rest is off by %v without the outlier, %v with it", without, with)
	}
}
