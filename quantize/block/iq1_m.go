package block

import (
	"encoding/binary"
	"sync"

	"github.com/f190792d/mq/quantize/kernel"
)

// halvesBlocks is how many super-blocks have their sub-blocks side by side.
const halvesBlocks = 2

// halved is the scratch space of these super-blocks.
type halved struct {
	kernel.Halves
	nearest nearest1
	all     [halvesBlocks * superLen]float32 // weights
	scale   [kernel.Lanes]float32            // 0: no split
	down    [2][kernel.Lanes]uint8           // 1: the shift of the half is down
	ranks   [2][kernel.Lanes]uint16
}

var halves = sync.Pool{New: func() any { return &halved{nearest: nearest1{book: coder1x2048()}} }}

// QuantizeIQ1_M quantizes one row to super-blocks of 256 values in 56 bytes:
// for each 8 values the low byte of a rank in a codebook of 2048 (32), its
// high part and a shift (16), and for each 64 values four scales of three
// bits and a quarter of the float16 scale of all (8).
func QuantizeIQ1_M(dst []byte, src, weights []float32) {
	h := halves.Get().(*halved)
	defer halves.Put(h)
	for i := 0; i+superLen <= len(src); i += halvesBlocks * superLen {
		x := src[i:min(i+halvesBlocks*superLen, len(src))]
		n := len(x) / superLen
		for b := range n {
			weigh1(h.all[b*superLen:][:superLen], x[b*superLen:][:superLen], superBlockOf(weights, i+b*superLen))
		}
		h.fit(x[:n*superLen])
		h.pack(dst[i/superLen*56:][:n*56])
	}
}

// fit finds codes, shifts and scales of all sub-blocks.
func (h *halved) fit(x []float32) {
	h.Load(x, h.all[:len(x)])
	found := h.Search()
	clear(h.scale[:])
	var outside uint32 // groups whose codes are not all in the book
	for j := range len(x) / 16 {
		h.Factor[j] = 1
		if found>>j&1 == 0 {
			for half := range 2 {
				h.ranks[half][j], h.Codes[half][j], h.down[half][j] = 0, uint32(h.nearest.book.codes[0]), 0
				h.Bias[half][j] = values1[0][0]
			}
			continue
		}
		scale, down := h.Scale[j], h.Choice[j]
		turned := scale < 0
		if turned { // levels and shifts turn around
			scale, down = -scale, ^down
		}
		h.scale[j] = scale
		for half := range 2 {
			code, d := uint16(h.Codes[half][j]), down>>(1-half)&1
			if turned {
				code = 0xaaaa - code
			}
			place := h.nearest.book.place[code]
			if place < 0 {
				outside |= 1 << j
				at := 16*j + 8*half
				code = h.nearest.code(x[at:][:8], h.all[at:][:8], scale, d, code, place)
				place = h.nearest.book.place[code]
			}
			h.ranks[half][j], h.Codes[half][j], h.down[half][j] = uint16(place), uint32(code), d
			h.Bias[half][j] = values1[d][0]
		}
	}
	if outside == 0 {
		return
	}
	h.Project()
	for j := range len(x) / 16 {
		if outside>>j&1 != 0 && h.SumX[j] > 0 && h.SumL[j] > 0 {
			h.scale[j] = h.SumX[j] / h.SumL[j]
		}
	}
}

// pack rounds the scales of super-blocks, fits the scale of each to these, and
// writes blocks.
func (h *halved) pack(dst []byte) {
	n := len(dst) / 56
	var tops, d [halvesBlocks]float32
	for b := range n {
		for _, scale := range h.scale[16*b:][:16] {
			tops[b] = max(tops[b], scale)
		}
		d[b] = tops[b] / 15
		inverse := 1 / d[b]
		for j := 16 * b; j < 16*b+16; j++ {
			h.Factor[j] = float32(2*scale3(inverse*h.scale[j]) + 1)
		}
	}
	h.Project()
	lx, ll := h.sums()
	for b := range n {
		block := dst[56*b:][:56]
		clear(block)
		if tops[b] == 0 {
			continue
		}
		if ll[b] > 0 {
			d[b] = lx[b] / ll[b]
		}
		var scales uint64
		for j := range 16 {
			at := 16*b + j
			first, second := h.ranks[0][at], h.ranks[1][at]
			block[2*j], block[2*j+1] = uint8(first), uint8(second)
			block[32+j] = uint8(first>>8 | second>>8<<4 | uint16(h.down[0][at])<<3 | uint16(h.down[1][at])<<7)
			scales |= uint64(h.Factor[at]) / 2 << (16*(j/4) + 3*(j%4))
		}
		binary.LittleEndian.PutUint64(block[48:], scales)
		putHalf1(block, d[b]*1.1125)
	}
}

// sums adds the terms of both super-blocks in order, side by side.
func (h *halved) sums() (lx, ll [halvesBlocks]float32) {
	var x0, x1, l0, l1 float32
	for j := range 16 {
		for i := range h.TermX {
			x, l := &h.TermX[i], &h.TermL[i]
			x0, x1 = x0+x[j], x1+x[16+j]
			l0, l1 = l0+l[j], l1+l[16+j]
		}
	}
	return [halvesBlocks]float32{x0, x1}, [halvesBlocks]float32{l0, l1}
}
