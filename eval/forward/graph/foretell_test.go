package graph

import (
	"math"
	"slices"
	"testing"

	"github.com/f190792d/mq/arch"
)

// TestLogProbsOfSeveralTiles sums over three tiles, the last of them smaller,
// of a head that has everything that changes logits.
func TestLogProbsOfSeveralTiles(t *testing.T) {
	const vocab = 2*logitTile + 100
	tokens := []int32{0, 1, logitTile - 1, logitTile, 2*logitTile - 1, 2 * logitTile, vocab - 1}
	for name, out := range map[string]arch.Output{
		"plain":  {},
		"scaled": {Scale: 3},
		"capped": {Norm: &arch.Norm{Name: "output_norm", Kind: arch.LayerNorm, Eps: eps}, Scale: 2, Softcap: 5},
	} {
		d := &drawn{with: []string{"output.weight", "output.bias", "output_norm.bias"}}
		m, err := New(t.Context(), arch.Model{Output: out}, d, Options{Name: "drawn", Embed: width, Vocab: vocab})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := m.Logits(t.Context(), tokens, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.LogProbs(t.Context(), [][]int32{tokens}, 0)
		if err != nil || len(got[0]) != len(tokens)-1 {
			t.Fatal(len(got[0]), err)
		}
		for i, v := range got[0] {
			row, sum := rows[i*vocab:(i+1)*vocab], 0.0
			for _, v := range row {
				sum += math.Exp(float64(v))
			}
			if want := float64(row[tokens[i+1]]) - math.Log(sum); !(math.Abs(v-want) <= 1e-6) {
				t.Errorf("%s: position %d: %v, want %v", name, i, v, want)
			}
		}
	}
}

// Impossible tokens leave a sum as it is; what is no number, and a token that is
// infinitely likely, do not.
func TestSumsOfWhatIsNotFinite(t *testing.T) {
	infinity, nan := float32(math.Inf(1)), float32(math.NaN())
	sum := func(tiles ...[]float32) float64 {
		s := logSum{token: 17, peak: -math.MaxFloat32}
		for i, tile := range tiles {
			s.add(i*16, slices.Clone(tile))
		}
		return s.logProb()
	}
	with := func(v float32, at ...int) []float32 {
		tile := make([]float32, 16)
		for i := range tile {
			tile[i] = float32(i%5) - 90
		}
		for _, i := range at {
			tile[i] = v
		}
		return tile
	}
	padding := slices.Repeat([]float32{-infinity}, 16)
	want := sum(with(0), with(0))
	if math.IsNaN(want) || math.Abs(sum(padding, with(0))+math.Log(16)+1) > 1 {
		t.Errorf("log-probabilities %v and %v", want, sum(padding, with(0)))
	}
	if got := sum(with(0), with(0), padding); got != want {
		t.Errorf("padding makes %v of %v", got, want)
	}
	for name, tiles := range map[string][][]float32{
		"all impossible": {padding, padding},
		"no numbers":     {slices.Repeat([]float32{nan}, 16), with(0)},
	} {
		if got := sum(tiles...); !math.IsNaN(got) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for at := range 16 {
		for _, v := range []float32{nan, infinity} {
			for name, tiles := range map[string][][]float32{
				"first": {with(v, at), with(0)}, "second": {with(0), with(v, at)}, "after padding": {padding, with(v, at)}, "before more": {with(v, at), with(80, 3)},
			} {
				if got := sum(tiles...); !math.IsNaN(got) && !math.IsInf(got, 0) {
					t.Errorf("%v at %d of the %s tile: %v", v, at, name, got)
				}
			}
		}
	}
}
