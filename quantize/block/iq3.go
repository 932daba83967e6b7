package block

import "encoding/binary"

// Types on codebooks of four octal levels. Level l of a code stands for 2l+1.

var iq3xxs = gridFormat{
	bytes: 98, coder: coder3x256, lattice: octal, size: 32,
	span: 15, step: 0.2, tiny: 1e-8,
	even: true, variance: 2, plain: squareWeights, gain: 1.0125,
	putCodes: func(block []byte, j int, s *gridSearch) {
		for g := range 8 {
			block[2+8*j+g] = uint8(s.rank(g))
		}
		var signs uint32
		for k, minus := range s.signs {
			signs |= uint32(minus&127) << (7 * k)
		}
		binary.LittleEndian.PutUint32(block[66+4*j:], signs)
	},
	putScale: func(block []byte, j int, level uint8) { block[69+4*j] |= level << 4 },
}

var iq3s = gridFormat{
	bytes: 110, coder: coder3x512, lattice: octal, size: 32,
	span: 9, step: 0.2, redo: redoAll,
	variance: 2, plain: squareWeights, gain: 1.033, keep: true,
	// Low bytes and signs move up into the place of sub-blocks of zeros,
	// while high bits and scales stay in theirs. Such a super-block does not
	// read back as it was meant, but these are ggml's bytes.
	putCodes: func(block []byte, j int, s *gridSearch) {
		for g := range 8 {
			rank := s.rank(g)
			block[2+8*s.stored+g] = uint8(rank)
			block[66+j] |= uint8(rank >> 8 << g)
		}
		copy(block[74+4*s.stored:], s.signs)
	},
	putScale: func(block []byte, j int, level uint8) { block[106+j/2] |= level << (j % 2 * 4) },
}

// QuantizeIQ3_XXS quantizes one row to super-blocks of 256 values in 98
// bytes: a float16, for each 4 values a rank in a codebook of 256 (64), for
// each 32 four times seven signs and a scale of four bits (32).
func QuantizeIQ3_XXS(dst []byte, src, weights []float32) { iq3xxs.quantize(dst, src, weights) }

// QuantizeIQ3_S quantizes one row to super-blocks of 256 values in 110 bytes:
// a float16, for each 4 values the low byte of a rank in a codebook of 512
// (64), then its high bit (8), the signs (32) and a scale of four bits for
// each 32 (4).
func QuantizeIQ3_S(dst []byte, src, weights []float32) { iq3s.quantize(dst, src, weights) }

// DequantizeIQ3_XXS restores one row of IQ3_XXS. The top level stands for
// 15.5 here.
func DequantizeIQ3_XXS(dst []float32, src []byte) {
	codes := codes3x256().codes
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:][:superLen], src[i/superLen*98:][:98]
		d := half(block)
		for j := range superLen / 32 {
			signs := binary.LittleEndian.Uint32(block[66+4*j:])
			d := d * (0.5 + float32(signs>>28)) * 0.5
			values := [8]float32{d * 4, d * 12, d * 20, d * 28, d * 36, d * 44, d * 52, d * 62}
			for k := range 4 {
				ranks := block[2+8*j+2*k:][:2]
				expand44(y[32*j+8*k:], codes[ranks[0]], codes[ranks[1]], &values, evenSigns(signs>>(7*k)))
			}
		}
	}
}

// DequantizeIQ3_S restores one row of IQ3_S.
func DequantizeIQ3_S(dst []float32, src []byte) {
	codes := codes3x512().codes
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:][:superLen], src[i/superLen*110:][:110]
		d := half(block)
		for j := range superLen / 32 {
			d := d * float32(1+2*(block[106+j/2]>>(j%2*4)&15))
			values := [8]float32{d, d * 3, d * 5, d * 7, d * 9, d * 11, d * 13, d * 15}
			high := int(block[66+j]) << 8
			for k := range 4 {
				ranks := block[2+8*j+2*k:][:2]
				low, high := int(ranks[0])|high>>(2*k)&256, int(ranks[1])|high>>(2*k+1)&256
				expand44(y[32*j+8*k:], codes[low], codes[high], &values, block[74+4*j+k])
			}
		}
	}
}
