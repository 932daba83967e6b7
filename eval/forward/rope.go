package forward

import (
	"math"

	"github.com/f190792d/mq/arch"
)

// rope is a rotary position embedding (Su et al. 2021, arXiv:2104.09864).
type rope struct {
	dim   int            // rotated dimensions of a head
	style arch.RopeStyle // which of them form a pair

	// frequencies returns the angle per position of each pair and the
	// factor of both cosine and sine, for a sequence of so many positions.
	frequencies func(positions int) (perPair []float32, scale float64)

	latent float64 // factor of the scores of latent attention
}

// table holds cosine and sine by row of the batch and pair.
type table struct{ cos, sin []float32 }

// table computes the rotations of a batch, once for all layers.
func (r *run) table(p *rope) *table {
	if t, ok := r.tables[p]; ok {
		return t
	}
	half := p.dim / 2
	t := &table{make([]float32, len(r.positions)*half), make([]float32, len(r.positions)*half)}
	frequencies, scale := p.frequencies(r.longest)
	for i, pos := range r.positions {
		for j, f := range frequencies {
			sin, cos := math.Sincos(float64(float32(pos) * f))
			t.cos[i*half+j] = float32(cos * scale)
			t.sin[i*half+j] = float32(sin * scale)
		}
	}
	r.tables[p] = t
	return t
}

// rotate turns the first dimensions of each of the heads of a row, which lie
// width elements apart.
func (p *rope) rotate(row []float32, width int, cos, sin []float32) {
	half := p.dim / 2
	first, second, step := 0, half, 1
	if p.style == arch.RopeInterleaved {
		second, step = 1, 2
	}
	cos, sin = cos[:half], sin[:half]
	for len(row) >= width {
		head := row[:width]
		a, b := first, second
		for j, c := range cos {
			x, y := head[a], head[b]
			head[a] = x*c - y*sin[j]
			head[b] = y*c + x*sin[j]
			a, b = a+step, b+step
		}
		row = row[width:]
	}
}

// rotate turns heads of width elements in all rows of a batch.
func (r *run) rotate(p *rope, x []float32, width int) error {
	t, half, cols := r.table(p), p.dim/2, len(x)/len(r.positions)
	return r.rows(len(r.positions), func(i int) {
		p.rotate(x[i*cols:(i+1)*cols], width, t.cos[i*half:(i+1)*half], t.sin[i*half:(i+1)*half])
	})
}

// plain returns base^(-2j/dim) for each pair j.
func plain(base float64, dim int) []float32 {
	f := make([]float32, dim/2)
	for j := range f {
		f[j] = float32(math.Pow(base, -2*float64(j)/float64(dim)))
	}
	return f
}

// fixed gives the same frequencies whatever the length of the sequence.
func fixed(perPair []float32, scale float64) func(int) ([]float32, float64) {
	return func(int) ([]float32, float64) { return perPair, scale }
}
