package block

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

func TestSearchScaleMinFindsAnExactGrid(t *testing.T) {
	for _, typ := range []*kMin{&q2K, &q4K, &q5K} {
		for _, s := range []*minSearch{&typ.plain, &typ.weighted} {
			want := grid(typ.sub, int(s.nmax))
			x := make([]float32, typ.sub)
			for i, l := range want {
				x[i] = 0.25*float32(l) - 1.5
			}
			levels := make([]uint8, typ.sub)
			scale, offset := searchScaleMin(x, ones(typ.sub), s, levels)
			if scale != 0.25 || offset != 1.5 || !slices.Equal(levels, want) {
				t.Errorf("%d bits: scale %v, offset %v, levels %v; want 0.25, 1.5, %v", typ.bits, scale, offset, levels, want)
			}
		}
	}
}

func TestSearchScaleMinKeepsZeroInReach(t *testing.T) {
	x := []float32{3, 3.5, 4, 3.25, 3, 4, 3.75, 3.5, 3, 3.5, 4, 3.25, 3, 4, 3.75, 3.5}
	levels := make([]uint8, 16)
	if _, offset := searchScaleMin(x, ones(16), &q2K.weighted, levels); offset != 0 {
		t.Errorf("the offset of positive values is %v, want 0", offset)
	}
	zero := make([]float32, 16)
	levels[3] = 1
	scale, offset := searchScaleMin(zero, ones(16), &q2K.weighted, levels)
	if scale != 0 || offset != 0 || slices.Max(levels) != 0 {
		t.Errorf("zeros give scale %v, offset %v, levels %v", scale, offset, levels)
	}
}

func TestScaleSearchesFindAnExactGrid(t *testing.T) {
	const nmax = 4
	want := grid(16, 2*nmax-1)
	x := make([]float32, 16)
	for i, l := range want {
		x[i] = 0.125 * (float32(l) - nmax)
	}
	for name, search := range map[string]func(levels []uint8) float32{
		"searchScale":  func(levels []uint8) float32 { return searchScale(x, ones(16), nmax, levels) },
		"descendScale": func(levels []uint8) float32 { return descendScale(x, nmax, levels) },
	} {
		levels := make([]uint8, 16)
		if scale := search(levels); scale != 0.125 || !slices.Equal(levels, want) {
			t.Errorf("%s: scale %v, levels %v; want 0.125, %v", name, scale, levels, want)
		}
	}
}

func TestSearchPositiveFindsAnExactGrid(t *testing.T) {
	want := grid(8, 63)
	x := make([]float32, 8)
	for i, l := range want {
		x[i] = 0.5 * float32(l)
	}
	levels := make([]uint8, 8)
	if scale := searchPositive(x, ones(8), 63, levels); scale != 0.5 || !slices.Equal(levels, want) {
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
	s := newMinSearch(15, -0.9, 0.05, 37, false)
	levels := make([]uint8, 32)
	rest := func(weight float32) float32 {
		w[0] = weight
		scale, offset := searchScaleMin(x, w, &s, levels)
		return fitError(x[1:], w[1:], levels[1:], scale, -offset, false)
	}
	if without, with := rest(0), rest(1); without >= with {
		t.Errorf("the rest is off by %v without the outlier, %v with it", without, with)
	}
}

func TestLevelsAndScalesReadBack(t *testing.T) {
	var levels [superLen]uint8
	for i := range levels {
		levels[i] = uint8(i*i + i/5)
	}
	masked := func(mask uint8) (l [superLen]uint8) {
		for i, v := range levels {
			l[i] = v & mask
		}
		return l
	}
	for name, c := range map[string]struct {
		mask   uint8
		pack   func(b []byte, l *[superLen]uint8)
		unpack func(l *[superLen]uint8, b []byte)
	}{
		"pairs":   {3, packPairs, unpackPairs},
		"nibbles": {15, packNibbles, unpackNibbles},
		"six":     {63, pack6, unpack6},
		"bits": {
			1,
			func(b []byte, l *[superLen]uint8) { packBits(b, l, 0) },
			func(l *[superLen]uint8, b []byte) { unpackBits(l, b, 0) },
		},
	} {
		var block [210]byte
		want := masked(c.mask)
		c.pack(block[:], &want)
		var got [superLen]uint8
		if c.unpack(&got, block[:]); got != want {
			t.Errorf("%s: levels do not read back", name)
		}
	}
	var scales, mins, got [16]uint8
	for j := range scales {
		scales[j], mins[j] = uint8(j*11)&63, uint8(63-j*5)&63
	}
	var block [110]byte
	putScales3(block[96:], &scales)
	if scales3(&got, block[96:]); got != scales {
		t.Errorf("scales of Q3_K read back as %v, want %v", got, scales)
	}
	putScales6(block[:], scales, mins)
	gotScales, gotMins := scales6(block[:])
	if [8]uint8(gotScales[:]) != [8]uint8(scales[:]) || [8]uint8(gotMins[:]) != [8]uint8(mins[:]) {
		t.Errorf("scales of Q4_K read back as %v and %v, want %v and %v", gotScales, gotMins, scales, mins)
	}
}
