package block

import (
	"encoding/binary"

	"github.com/f190792d/mq/quantize/kernel"
)

// Types on codebooks of eight ternary levels. Level l of a code stands for
// 8, 25 or 43 eighths: nearly 2l+1, which is what the search assumes.

// positive3 searches for levels of up to 3, one more than there are.
var positive3 = kernel.NewPositiveSearch(4)

var iq2xxs = gridFormat{
	bytes: 66, coder: coder2x256, lattice: ternary, size: 32,
	span: 6, step: 0.1, tiny: negligible, positive: &positive3, redo: redoAlways,
	even: true, variance: 1, plain: squareWeights, gain: 1,
	putCodes: func(block []byte, j int, s *gridSearch) {
		var ranks, signs uint32
		for g := range 4 {
			ranks |= s.rank(g) << (8 * g)
			signs |= uint32(s.signs[g]&127) << (7 * g)
		}
		binary.LittleEndian.PutUint32(block[2+8*j:], ranks)
		binary.LittleEndian.PutUint32(block[6+8*j:], signs)
	},
	putScale: func(block []byte, j int, level uint8) { block[9+8*j] |= level << 4 },
}

var iq2xs = gridFormat{
	bytes: 74, coder: coder2x512, lattice: ternary, size: 16,
	span: 9, step: 0.1, tiny: negligible,
	even: true, variance: 1, plain: squareWeights, gain: 1,
	putCodes: func(block []byte, j int, s *gridSearch) {
		for g := range 2 {
			binary.LittleEndian.PutUint16(block[2+4*j+2*g:], uint16(s.rank(g))|uint16(s.signs[g]&127)<<9)
		}
	},
	putScale: func(block []byte, j int, level uint8) { block[66+j/2] |= level << (j % 2 * 4) },
}

var iq2s = gridFormat{
	bytes: 82, coder: coder2x1024, lattice: ternary, size: 16,
	span: 9, step: 0.1, tiny: 1e-8,
	variance: 2, plain: spreadWeights, gain: 0.9875, keep: true,
	putCodes: func(block []byte, j int, s *gridSearch) {
		for g := range 2 {
			i, rank := 2*j+g, s.rank(g)
			block[2+i] = uint8(rank)
			block[34+i] = s.signs[g]
			block[66+i/4] |= uint8(rank >> 8 << (i % 4 * 2))
		}
	},
	putScale: func(block []byte, j int, level uint8) { block[74+j/2] |= level << (j % 2 * 4) },
}

// squareWeights are x².
func squareWeights(w, x []float32, _ float32) { squares(w, x) }

// spreadWeights are x² and a quarter of the variance.
func spreadWeights(w, x []float32, variance float32) {
	w = w[:len(x)]
	for i, v := range x {
		w[i] = float32(0.25*variance) + float32(v*v)
	}
}

// QuantizeIQ2_XXS quantizes one row to super-blocks of 256 values in 66
// bytes: a float16, then for each 32 values four ranks in a codebook of 256
// (4), four times seven signs and a scale of four bits (4). The format is
// made for an importance matrix; without one, values weigh by their squares.
func QuantizeIQ2_XXS(dst []byte, src, weights []float32) { iq2xxs.quantize(dst, src, weights) }

// QuantizeIQ2_XS quantizes one row to super-blocks of 256 values in 74 bytes:
// a float16, for each 8 values nine bits of a rank in a codebook of 512 and
// seven signs (64), a scale of four bits for each 16 (8). The format is made
// for an importance matrix; without one, values weigh by their squares.
func QuantizeIQ2_XS(dst []byte, src, weights []float32) { iq2xs.quantize(dst, src, weights) }

// QuantizeIQ2_S quantizes one row to super-blocks of 256 values in 82 bytes:
// a float16, for each 8 values the low byte of a rank in a codebook of 1024
// (32), the signs (32) and the high pair of the rank (8), and a scale of four
// bits for each 16 (8).
func QuantizeIQ2_S(dst []byte, src, weights []float32) { iq2s.quantize(dst, src, weights) }

// values2 gives what the levels of a code stand for in a sub-block with a
// scale of four bits.
func values2(d float32, level uint8) [4]float32 {
	d = d * (0.5 + float32(level)) * 0.25
	return [4]float32{d * 8, d * 25, d * 43}
}

// DequantizeIQ2_XXS restores one row of IQ2_XXS.
func DequantizeIQ2_XXS(dst []float32, src []byte) {
	codes := codes2x256().codes
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:][:superLen], src[i/superLen*66:][:66]
		d := half(block)
		for j := range superLen / 32 {
			ranks := block[2+8*j:][:4]
			signs := binary.LittleEndian.Uint32(block[6+8*j:])
			values := values2(d, uint8(signs>>28))
			for g, rank := range ranks {
				expand8(y[32*j+8*g:], codes[rank], &values, evenSigns(signs>>(7*g)))
			}
		}
	}
}

// DequantizeIQ2_XS restores one row of IQ2_XS.
func DequantizeIQ2_XS(dst []float32, src []byte) {
	codes := codes2x512().codes
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:][:superLen], src[i/superLen*74:][:74]
		d := half(block)
		for j := range superLen / 16 {
			values := values2(d, block[66+j/2]>>(j%2*4)&15)
			for g := range 2 {
				q := binary.LittleEndian.Uint16(block[2+4*j+2*g:])
				expand8(y[16*j+8*g:], codes[q&511], &values, evenSigns(uint32(q>>9)))
			}
		}
	}
}

// DequantizeIQ2_S restores one row of IQ2_S.
func DequantizeIQ2_S(dst []float32, src []byte) {
	codes := codes2x1024().codes
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:][:superLen], src[i/superLen*82:][:82]
		d := half(block)
		for j := range superLen / 16 {
			values := values2(d, block[74+j/2]>>(j%2*4)&15)
			for g := range 2 {
				k := 2*j + g
				rank := int(block[2+k]) | int(block[66+k/4])>>(k%4*2)&3<<8
				expand8(y[8*k:], codes[rank], &values, block[34+k])
			}
		}
	}
}
