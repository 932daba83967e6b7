package block

import (
	"math"

	"github.com/f190792d/mq/quantize/kernel"
)

// terms holds what each level of each position of a group adds to a sum:
// eight positions of four, or four of eight.
type terms [32]float32

// sums returns Σw·l·x and Σw·l² of the codes of n tries, added in the order of
// positions.
func (s *gridSearch) sums(n int) (lx, ll []float32) {
	if kernel.HasGrid() {
		return s.grid.Sums(s.number, n)
	}
	groups := s.size / s.dims
	s.prepareTerms()
	// Sums over the groups before the first whose code changes are those of
	// the try before.
	var partX, partL [9]float32 // over the groups before each
	for t := range n {
		g := 0
		for t > 0 && g < groups && s.tried[g][t] == s.tried[g][t-1] {
			g++
		}
		for ; g < groups; g++ {
			partX[g+1], partL[g+1] = s.add(g, uint16(s.tried[g][t]), partX[g], partL[g])
		}
		s.sumX[t], s.sumL[t] = partX[groups], partL[groups]
	}
	return s.sumX[:n], s.sumL[:n]
}

// project returns the two sums of the codes that were chosen.
func (s *gridSearch) project() (lx, ll float32) {
	for g := range s.size / s.dims {
		code := s.codes[g]
		for i := range s.dims {
			x, w, l := s.x[g*s.dims+i], s.w[g*s.dims+i], code&uint16(1<<s.bits-1)
			f := float32(2*l + 1)
			lx += float32(w * x * f)
			ll += float32(w * f * f)
			code >>= s.bits
		}
	}
	return lx, ll
}

// prepareTerms tabulates the terms of the two sums.
func (s *gridSearch) prepareTerms() {
	for g := range s.size / s.dims {
		lx, ll := &s.lx[g], &s.ll[g]
		for i := range s.dims {
			x, w := s.x[g*s.dims+i], s.w[g*s.dims+i]
			wx := w * x
			for l := range s.levels {
				f := float32(2*l + 1)
				lx[i<<s.bits+l] = wx * f
				ll[i<<s.bits+l] = w * f * f
			}
		}
	}
}

// add adds the terms of a code to the two sums, in the order of positions.
func (s *gridSearch) add(g int, code uint16, lx, ll float32) (float32, float32) {
	if s.dims == 8 {
		return sum8(&s.lx[g], code, lx), sum8(&s.ll[g], code, ll)
	}
	return sum4(&s.lx[g], code, lx), sum4(&s.ll[g], code, ll)
}

func sum8(t *terms, code uint16, sum float32) float32 {
	sum += t[code&3]
	sum += t[4+code>>2&3]
	sum += t[8+code>>4&3]
	sum += t[12+code>>6&3]
	sum += t[16+code>>8&3]
	sum += t[20+code>>10&3]
	sum += t[24+code>>12&3]
	return sum + t[28+code>>14]
}

func sum4(t *terms, code uint16, sum float32) float32 {
	sum += t[code&7]
	sum += t[8+code>>3&7]
	sum += t[16+code>>6&7]
	return sum + t[24+code>>9&7]
}

// nearest8 returns the first of the codes with the least Σw(scale·l - x)².
func nearest8(list []uint16, scale float32, x, w *[8]float32) uint16 {
	var cost terms
	near, mid, far := scale, float32(scale*3), float32(scale*5)
	for i, v := range x {
		w := w[i]
		d := near - v
		cost[4*i] = w * d * d
		d = mid - v
		cost[4*i+1] = w * d * d
		d = far - v
		cost[4*i+2] = w * d * d
	}
	return cheapest8(list, &cost)
}

// cheapest8 returns the first of the codes with the least sum.
func cheapest8(list []uint16, cost *terms) uint16 {
	best, least := list[0], float32(math.MaxFloat32)
	for _, code := range list {
		if sum := sum8(cost, code, 0); sum < least {
			best, least = code, sum
		}
	}
	return best
}

// nearest4 is nearest8 for codes of four levels.
func nearest4(list []uint16, scale float32, x, w *[4]float32) uint16 {
	var cost terms
	for l := range 8 {
		f := float32(scale * float32(2*l+1))
		for i, v := range x {
			d := f - v
			cost[8*i+l] = w[i] * d * d
		}
	}
	best, least := list[0], float32(math.MaxFloat32)
	for _, code := range list {
		if sum := sum4(&cost, code, 0); sum < least {
			best, least = code, sum
		}
	}
	return best
}

// allow reports whether no position has a level, of three, that costs less than that of the
// code, so that codes which others outdo may be left out of its list.
func (t *terms) allow(code uint16) bool {
	for i := 0; i < len(t); i += 4 {
		own := t[i+int(code&3)]
		code >>= 2
		if !(own <= t[i] && own <= t[i+1] && own <= t[i+2]) {
			return false
		}
	}
	return true
}

// likely8 returns the code with the least sum, and whether no other is so
// near that the order of additions matters. It adds in pairs.
func (t *terms) likely8(list []uint16) (code uint16, sure bool) {
	var pairs [4][16]float32
	for i := range pairs {
		for l, high := range t[8*i+4:][:3] {
			for k, low := range t[8*i:][:3] {
				pairs[i][4*l+k] = low + high
			}
		}
	}
	low, next := highest, highest
	for _, code := range list {
		sum := pairs[0][code&15] + pairs[1][code>>4&15] + (pairs[2][code>>8&15] + pairs[3][code>>12])
		low, next = lower(low, next, sum, code)
	}
	// Sums of eight are off by less than 16 units of 2^-24.
	return uint16(low), height(low)*(1+1./(1<<19)) < height(next)
}
