package rounding

import (
	"math"

	"github.com/f190792d/mq/eval/kernel"
)

const (
	// reach is how far from the scale and the minimum that it starts from the
	// search of a sub-block goes, in steps of the grid.
	reach = 3
	// halfStep is by how much the search changes a scale that is a float16.
	halfStep = 0.025
	// lanes is how many changes are tried at once, at most.
	lanes = 32
	// longest is the greatest number of values in a sub-block.
	longest = 32
)

// A trial is a change of a sub-block's scale and minimum, in steps, and the sets
// of levels that its codes are of.
type trial struct {
	scale, min int32
	sets       sets
}

// trials lists the changes that are tried, the nearest first: of equally good
// ones the first is taken.
func (c *Codes) trials() []trial {
	if c.whole() {
		return []trial{{}}
	}
	wide := int32(0)
	if c.grid.MinHigh > 0 {
		wide = reach
	}
	var list []trial
	for distance := int32(0); distance <= 2*reach; distance++ {
		for s := int32(-reach); s <= reach; s++ {
			for m := -wide; m <= wide; m++ {
				if max(s, -s)+max(m, -m) != distance {
					continue
				}
				for _, some := range c.trySets() {
					list = append(list, trial{s, m, some})
				}
			}
		}
	}
	return list
}

// A search rounds the sub-blocks of one column position, one row after the
// other.
type search struct {
	*Codes
	trials   []trial
	at, size int       // columns
	weight   []float32 // by column: what an error costs
	pull     []float32 // [size, size]: pull[j][i] of the error of column i is added to column j
	units    []unit    // the same of a type with a codebook
}

// A bench is the memory of a search. What belongs to a change is a lane.
type bench struct {
	trials [lanes]trial
	steps  [lanes]step
	cost   [lanes]float32
	now    [lanes]float32           // what a column should be
	errs   [longest * lanes]float32 // [columns, width]
	codes  [longest * lanes]uint8
	best   [longest]float32
	chosen [longest]uint8
}

// round chooses scale, minimum and codes of a sub-block of a row: x is what
// the columns should be, earlier errors added, and target what they should
// have been without. The errors against target go to errs.
func (s *search) round(k *bench, row int, x, target, errs []float32) {
	sub := (row*s.Columns + s.at) / s.grid.Sub
	b := sub * s.grid.Sub / s.grid.Block
	d, scale, dmin, minimum := s.d[b], s.scale[sub], s.dmin[b], s.min[sub]
	least, found := float32(math.Inf(1)), trial{}
	width := min(kernel.Width(), lanes)
	for at := 0; at < len(s.trials); {
		n := 0
		for ; at < len(s.trials) && n < width; at++ {
			t := s.trials[at]
			if d, scale, dmin, minimum, ok := s.tried(t, d, scale, dmin, minimum); ok {
				k.trials[n], k.steps[n] = t, s.newStep(d, scale, dmin, minimum)
				n++
			}
		}
		switch {
		case s.grid.Book != nil:
			for i := range n {
				s.tryBook(k, i, width, x, target, least)
			}
		case n > 0:
			s.try(k, n, width, x, target, least)
		}
		for i, cost := range k.cost[:n] {
			if cost < least {
				least, found = cost, k.trials[i]
				for j := range s.size {
					k.best[j], k.chosen[j] = k.errs[j*width+i], k.codes[j*width+i]
				}
			}
		}
	}
	copy(errs, k.best[:s.size])
	copy(s.code[row*s.Columns+s.at:][:s.size], k.chosen[:])
	s.d[b], s.scale[sub], s.dmin[b], s.min[sub], _ = s.tried(found, d, scale, dmin, minimum)
}

// tried is what a change makes of a sub-block's numbers, if the grid has that.
func (s *search) tried(t trial, d float32, scale int32, dmin float32, minimum int32) (float32, int32, float32, int32, bool) {
	if s.fixed() {
		by, low := float32(halfStep*float32(t.scale)), float32(float32(halfStep*float32(t.min)*max(d, -d))*(s.high-s.low))
		return toHalf(d + float32(d*by)), scale, toHalf(dmin + low), minimum, true
	}
	scale, minimum = scale+t.scale*s.scaleStep(), minimum+t.min
	return d, scale, dmin, minimum, scale >= s.grid.ScaleLow && scale <= s.grid.ScaleHigh && minimum >= s.grid.MinLow && minimum <= s.grid.MinHigh
}

// try rounds with n steps at once and leaves their costs, or some not below
// least where none can be.
func (s *search) try(k *bench, n, width int, x, target []float32, least float32) {
	clear(k.cost[:n])
	for j := range s.size {
		now := k.now[:width]
		for i := range now {
			now[i] = x[j]
		}
		kernel.Gemm(1, j, s.pull[j*s.size:], s.size, k.errs[:], now, width, true)
		weight, want := s.weight[j], target[j]
		errs, codes := k.errs[j*width:][:n], k.codes[j*width:][:n]
		lowest := float32(math.Inf(1))
		for i, st := range k.steps[:n] {
			code := s.nearest(float32(now[i]-st.offset) * st.inverse)
			v := st.value(s.values[code])
			off := now[i] - v
			cost := k.cost[i] + float32(float32(off*off)*weight)
			k.cost[i], errs[i], codes[i] = cost, want-v, code
			if cost < lowest {
				lowest = cost
			}
		}
		if !(lowest < least) {
			return
		}
	}
}
