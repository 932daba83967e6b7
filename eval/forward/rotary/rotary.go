// Package rotary computes rotary position embeddings (Su et al. 2021,
// arXiv:2104.09864): the frequencies of pairs of dimensions and their scaling
// for long contexts, and the rotation of heads.
package rotary

import (
	"math"

	"github.com/f190792d/mq/arch"
)

// Embedding is a rotary position embedding.
type Embedding struct {
	Dim   int            // rotated dimensions of a head
	Style arch.RopeStyle // which of them form a pair
	Scale float64        // of both cosine and sine

	// Frequencies returns the angle per position of each pair, for a
	// sequence of so many positions.
	Frequencies func(positions int) []float32
}

// Divisors are the numbers by pair that a file has in tensors, nil for none:
// of all frequencies, and of those within and beyond the original context of a
// rotation that does not state them itself.
type Divisors struct{ All, Short, Long []float32 }

// New computes an embedding.
func New(r arch.Rotation, style arch.RopeStyle, by Divisors) *Embedding {
	e := &Embedding{Dim: r.Dim, Style: style, Scale: r.Magnitude}
	switch r.Scaling {
	case arch.DynamicScaling:
		e.Frequencies = dynamic(r)
	case arch.LongRoPEScaling:
		short, long := divided(plain(r.Base, r.Dim), r.Short), divided(plain(r.Base, r.Dim), r.Long)
		if r.Short == nil {
			short, long = divided(short, by.Short), divided(long, by.Long)
		}
		e.Frequencies = func(positions int) []float32 {
			if positions > r.OriginalContext {
				return long
			}
			return short
		}
	default:
		perPair := scaled(r, divided(plain(r.Base, r.Dim), by.All))
		if r.Turning > 0 && r.Turning < len(perPair) {
			clear(perPair[r.Turning:])
		}
		e.Frequencies = func(int) []float32 { return perPair }
	}
	return e
}

// Table holds cosine and sine, [positions, pairs].
type Table struct {
	cos, sin []float32
	half     int
}

// Table computes the rotations of some positions of a sequence of so many.
func (e *Embedding) Table(positions []int, length int) *Table {
	half := e.Dim / 2
	t := &Table{make([]float32, len(positions)*half), make([]float32, len(positions)*half), half}
	frequencies := e.Frequencies(length)
	for i, position := range positions {
		for j, f := range frequencies {
			sin, cos := math.Sincos(float64(float32(position) * f))
			t.cos[i*half+j] = float32(cos * e.Scale)
			t.sin[i*half+j] = float32(sin * e.Scale)
		}
	}
	return t
}

// Row returns cosine and sine of the i-th position.
func (t *Table) Row(i int) (cos, sin []float32) {
	return t.cos[i*t.half : (i+1)*t.half], t.sin[i*t.half : (i+1)*t.half]
}

// Inverse returns the table that turns back.
func (t *Table) Inverse() *Table {
	back := make([]float32, len(t.sin))
	for i, v := range t.sin {
		back[i] = -v
	}
	return &Table{t.cos, back, t.half}
}

// Rotate turns the first dimensions of each of the heads of a row, which lie
// width elements apart.
func (e *Embedding) Rotate(row []float32, width int, cos, sin []float32) {
	half := e.Dim / 2
	first, second, step := 0, half, 1
	if e.Style == arch.RopeInterleaved {
		second, step = 1, 2
	}
	cos, sin = cos[:half], sin[:half]
	for len(row) >= width {
		head := row[:width]
		a, b := first, second
		for j, c := range cos {
			x, y := head[a], head[b]
			head[a] = float32(x*c) - float32(y*sin[j])
			head[b] = float32(y*c) + float32(x*sin[j])
			a, b = a+step, b+step
		}
		row = row[width:]
	}
}
