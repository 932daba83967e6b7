package rounding

import "math"

// reach is how far from the scale and the minimum that it starts from the
// search of a sub-block goes, in steps of the grid.
const reach = 3

// halfStep is by how much the search changes a scale that is a float16.
const halfStep = 0.025

// A trial is a change of a sub-block's scale and minimum, in steps.
type trial struct{ scale, min int32 }

// trials lists the changes that are tried, the nearest first: of equally good
// ones the first is taken.
func (c *Codes) trials() []trial {
	wide := int32(0)
	if c.grid.MinHigh > 0 {
		wide = reach
	}
	var list []trial
	for distance := int32(0); distance <= 2*reach; distance++ {
		for s := int32(-reach); s <= reach; s++ {
			for m := -wide; m <= wide; m++ {
				if max(s, -s)+max(m, -m) == distance {
					list = append(list, trial{s, m})
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

	errs, best [32]float32
	codes      [32]uint8
	bestCodes  [32]uint8
}

// round chooses scale, minimum and codes of a sub-block of a row: x is what
// the columns should be, earlier errors added, and target what they should
// have been without. The errors against target go to errs.
func (s *search) round(row int, x, target, errs []float32) {
	sub := (row*s.Columns + s.at) / s.grid.Sub
	b := sub * s.grid.Sub / s.grid.Block
	d, scale, dmin, minimum := s.d[b], s.scale[sub], s.dmin[b], s.min[sub]
	least := float32(math.Inf(1))
	found := trial{}
	tried := func(t trial) (float32, int32, float32, int32, bool) {
		if s.fixed() {
			by, low := float32(halfStep*float32(t.scale)), float32(float32(halfStep*float32(t.min)*max(d, -d))*s.span())
			return toHalf(d + float32(d*by)), scale, toHalf(dmin + low), minimum, true
		}
		to, low := scale+t.scale, minimum+t.min
		return d, to, dmin, low, to >= s.grid.ScaleLow && to <= s.grid.ScaleHigh && low >= s.grid.MinLow && low <= s.grid.MinHigh
	}
	for _, t := range s.trials {
		d, scale, dmin, minimum, ok := tried(t)
		if !ok {
			continue
		}
		if cost := s.try(newStep(d, scale, dmin, minimum), x, target, least); cost < least {
			least, found = cost, t
			s.best, s.bestCodes = s.errs, s.codes
		}
	}
	copy(errs, s.best[:s.size])
	copy(s.code[row*s.Columns+s.at:][:s.size], s.bestCodes[:])
	s.d[b], s.scale[sub], s.dmin[b], s.min[sub], _ = tried(found)
}

// span is the number of steps that the levels cover.
func (s *search) span() float32 { return s.high - s.low }

// try rounds with a step and returns the cost, or something not below least
// where the cost cannot be lower.
func (s *search) try(st step, x, target []float32, least float32) float32 {
	cost := float32(0)
	errs := &s.errs
	for j := range s.size {
		u := x[j]
		pull := s.pull[j*s.size:][:j]
		for i, p := range pull {
			u += float32(errs[i] * p)
		}
		code := s.nearest(float32(u-st.offset) * st.inverse)
		v := st.value(s.values[code])
		off := u - v
		cost += float32(float32(off*off) * s.weight[j])
		if !(cost < least) {
			return least
		}
		s.codes[j], errs[j] = code, target[j]-v
	}
	return cost
}
