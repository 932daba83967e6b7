package block

import "encoding/binary"

// halvesBlocks is how many super-blocks of sub-blocks of 16 lie side by side.
const halvesBlocks = 2

// packIQ1_M rounds the scales of super-blocks, fits the scale of each to these, and
// writes blocks.
func (s *shifted) packIQ1_M(dst []byte) {
	n := len(dst) / 56
	var tops, d [halvesBlocks]float32
	for b := range n {
		for _, scale := range s.scale[16*b:][:16] {
			tops[b] = max(tops[b], scale)
		}
		d[b] = tops[b] / 15
		inverse := 1 / d[b]
		for j := 16 * b; j < 16*b+16; j++ {
			s.Factor[j] = float32(2*scale3(inverse*s.scale[j]) + 1)
		}
	}
	s.Project()
	lx, ll := s.sums()
	for b := range n {
		block := dst[56*b:][:56]
		if tops[b] == 0 {
			continue
		}
		if ll[b] > 0 {
			d[b] = lx[b] / ll[b]
		}
		var scales uint64
		for j := range 16 {
			at := 16*b + j
			first, second := s.ranks[0][at], s.ranks[1][at]
			block[2*j], block[2*j+1] = uint8(first), uint8(second)
			block[32+j] = uint8(first>>8 | second>>8<<4 | uint16(s.down[0][at])<<3 | uint16(s.down[1][at])<<7)
			scales |= uint64(s.Factor[at]) / 2 << (16*(j/4) + 3*(j%4))
		}
		binary.LittleEndian.PutUint64(block[48:], scales)
		putHalf1(block, d[b]*1.1125)
	}
}

// sums adds the terms of both super-blocks in order, side by side.
func (s *shifted) sums() (lx, ll [halvesBlocks]float32) {
	var x0, x1, l0, l1 float32
	for j := range 16 {
		for i := range s.TermL {
			x, l := &s.TermX[i], &s.TermL[i]
			x0, x1 = x0+x[j], x1+x[16+j]
			l0, l1 = l0+l[j], l1+l[16+j]
		}
	}
	return [halvesBlocks]float32{x0, x1}, [halvesBlocks]float32{l0, l1}
}
