package block

import "math"

// The error of a code c at scale s is
//
//	Σw(s·q - x)² = s·(s·Σwq² - Σ2wqx) + Σwx²
//
// so that codes compare like the lines s·a - b with a = Σwq², b = Σ2wqx. A
// code whose line is lowest at two scales is lowest between them.

// line has the two sums of a code, or its part of them.
type line struct{ a, b float32 }

// lines compares codes for one group of weights.
type lines struct {
	s *gridSearch
	g int
	// parts has the lines of each quarter of a code: of two ternary levels
	// or an octal one.
	parts [4][16]line
	// slack is more than what rounding errors, of lines or of the sums that
	// they stand for, can make of the difference of two lines.
	slack float32
}

// newLines prepares the lines of group g, for n scales.
func (s *gridSearch) newLines(g, n int) *lines {
	c := &s.lines
	c.s, c.g = s, g
	var single [8][8]line
	for i := range s.dims {
		x, w := s.x[g*s.dims+i], s.root[g*s.dims+i]
		for l := range s.levels {
			q := float32(2*l + 1)
			wq := w * q
			single[i][l] = line{wq * q, 2 * wq * x}
		}
	}
	if s.dims == 4 {
		for i := range c.parts {
			copy(c.parts[i][:], single[i][:])
		}
	} else {
		for i := range c.parts {
			low, high := &single[2*i], &single[2*i+1]
			for l, h := range high[:3] {
				for k, v := range low[:3] {
					c.parts[i][4*l+k] = line{h.a + v.a, h.b + v.b}
				}
			}
		}
	}
	var bb float32
	c.slack, bb = s.slack(g, n)
	// Raise all lines above zero.
	raise := bb/s.tries.Scale[n-1] + c.slack
	for i := range c.parts[0] {
		c.parts[0][i].b -= raise
	}
	return c
}

// slack is that of the lines of group g, and Σwx². It is 0 where the sums may
// lose bits to underflow.
func (s *gridSearch) slack(g, n int) (slack, bb float32) {
	var aa, ab float32 // Σwq², Σ2wqx of the top level and |x|
	top := float32(2*s.levels - 1)
	x, w := s.x[g*s.dims:][:s.dims], s.root[g*s.dims:][:s.dims]
	for i, v := range x {
		wq := w[i] * top
		aa += float32(wq * top)
		ab += abs(2 * wq * v)
		bb += float32(w[i] * v * v)
	}
	// Half a unit in the last place is 2^-24 of a value. Lines are off by
	// less than 12 of those in aa·s + ab + bb/s, the sums by less than 15,
	// and the expression is largest at one end.
	first, last := s.tries.Scale[0], s.tries.Scale[n-1]
	slack = max(float32(aa*first)+ab+bb/first, float32(aa*last)+ab+bb/last) * (128. / (1 << 24))
	if slack*last < 1e-32 {
		slack = 0
	}
	return slack, bb
}

// choose sets the codes of the tries first…last, which share a list of
// neighbours.
func (c *lines) choose(list []uint16, first, last int) {
	if !(c.slack > 1e-30 && c.slack < 1e30) {
		for t := first; t <= last; t++ {
			c.exact(list, t)
		}
		return
	}
	codes := &c.s.tried[c.g]
	if first == last {
		c.chooseOne(list, first)
		return
	}
	a, b, sure := c.lowest(list, c.s.tries.Scale[first], c.s.tries.Scale[last])
	switch {
	case sure && a == b:
		for t := first; t <= last; t++ {
			codes[t] = uint32(a)
		}
	case last-first < 3:
		for t := first; t <= last; t++ {
			c.chooseOne(list, t)
		}
	default:
		middle := (first + last) / 2
		c.choose(list, first, middle)
		c.choose(list, middle+1, last)
	}
}

func (c *lines) exact(list []uint16, t int) {
	c.s.tried[c.g][t] = uint32(c.s.nearestOf(c.g, list, c.s.tries.Scale[t]))
}

// chooseOne sets the code of one try.
func (c *lines) chooseOne(list []uint16, t int) {
	code, sure := c.lowestAt(list, c.s.tries.Scale[t])
	if !sure {
		c.exact(list, t)
		return
	}
	c.s.tried[c.g][t] = uint32(code)
}

// lowest returns the codes with the lowest lines at two scales, and whether
// both are lower than all others by more than the slack. Positive floats
// compare like their bits, and integers have a minimum without branches.
func (c *lines) lowest(list []uint16, s1, s2 float32) (code1, code2 uint16, sure bool) {
	low1, low2, next1, next2 := highest, highest, highest, highest
	if c.s.dims == 8 {
		for _, code := range list {
			p, q := &c.parts[0][code&15], &c.parts[1][code>>4&15]
			r, t := &c.parts[2][code>>8&15], &c.parts[3][code>>12]
			a, b := p.a+q.a+r.a+t.a, p.b+q.b+r.b+t.b
			low1, next1 = lower(low1, next1, float32(a*s1)-b, code)
			low2, next2 = lower(low2, next2, float32(a*s2)-b, code)
		}
	} else {
		for _, code := range list {
			p, q := &c.parts[0][code&7], &c.parts[1][code>>3&7]
			r, t := &c.parts[2][code>>6&7], &c.parts[3][code>>9&7]
			a, b := p.a+q.a+r.a+t.a, p.b+q.b+r.b+t.b
			low1, next1 = lower(low1, next1, float32(a*s1)-b, code)
			low2, next2 = lower(low2, next2, float32(a*s2)-b, code)
		}
	}
	sure = height(next1)-height(low1) > c.slack && height(next2)-height(low2) > c.slack
	return uint16(low1), uint16(low2), sure
}

// lowestAt is lowest for one scale.
func (c *lines) lowestAt(list []uint16, s float32) (code uint16, sure bool) {
	low, next := highest, highest
	if c.s.dims == 8 {
		for _, code := range list {
			p, q := &c.parts[0][code&15], &c.parts[1][code>>4&15]
			r, t := &c.parts[2][code>>8&15], &c.parts[3][code>>12]
			a, b := p.a+q.a+r.a+t.a, p.b+q.b+r.b+t.b
			low, next = lower(low, next, float32(a*s)-b, code)
		}
	} else {
		for _, code := range list {
			p, q := &c.parts[0][code&7], &c.parts[1][code>>3&7]
			r, t := &c.parts[2][code>>6&7], &c.parts[3][code>>9&7]
			a, b := p.a+q.a+r.a+t.a, p.b+q.b+r.b+t.b
			low, next = lower(low, next, float32(a*s)-b, code)
		}
	}
	return uint16(low), height(next)-height(low) > c.slack
}

// highest is above all lines.
const highest = uint64(0x7f000000) << 32

// lower puts a code at height f into the order of the lowest two.
func lower(low, next uint64, f float32, code uint16) (uint64, uint64) {
	k := uint64(math.Float32bits(f))<<32 | uint64(code)
	return min(low, k), min(next, max(low, k))
}

func height(k uint64) float32 { return math.Float32frombits(uint32(k >> 32)) }
