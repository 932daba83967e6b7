package block

import (
	"encoding/binary"

	"github.com/f190792d/mq/quantize/kernel"
)

// Types on a codebook of eight ternary levels. Level l stands for l-1+shift;
// a bit in the block gives the direction of the shift.

// values1 are the values of levels without their scale, for both shifts.
var values1 = kernel.Shifted

var (
	iq1s = shiftedLayout{shifts: kernel.OneShift, sub: 32, parts: 1, bytes: 50, pack: (*shifted).packIQ1_S}
	iq1m = shiftedLayout{shifts: kernel.TwoShifts, sub: 16, parts: 2, bytes: 56, pack: (*shifted).packIQ1_M}
)

// QuantizeIQ1_S quantizes one row to super-blocks of 256 values in 50 bytes:
// a float16, for each 8 values the low byte of a rank in a codebook of 2048
// (32), for each 32 values the four high parts of ranks, a scale of three
// bits and a shift (16). The format is made for an importance matrix; without
// one, values weigh by their squares.
func QuantizeIQ1_S(dst []byte, src, weights []float32) { iq1s.quantize(dst, src, weights) }

// QuantizeIQ1_M quantizes one row to super-blocks of 256 values in 56 bytes:
// for each 8 values the low byte of a rank in a codebook of 2048 (32), its
// high part and a shift (16), and for each 64 values four scales of three
// bits and a quarter of the float16 scale of all (8).
func QuantizeIQ1_M(dst []byte, src, weights []float32) { iq1m.quantize(dst, src, weights) }

// packIQ1_S rounds the scales of super-blocks, and writes blocks.
func (s *shifted) packIQ1_S(dst []byte) {
	for b := range len(dst) / 50 {
		block := dst[50*b:][:50]
		var top float32
		for _, scale := range s.scale[8*b:][:8] {
			top = max(top, scale)
		}
		d := top / 15
		inverse := 1 / d
		for j := range 8 {
			var high uint16
			for g := range 4 {
				rank := s.ranks[g][8*b+j]
				block[2+4*j+g] = uint8(rank)
				high |= rank >> 8 << (3 * g)
			}
			if top != 0 {
				high |= uint16(scale3(inverse*s.scale[8*b+j]))<<12 | uint16(s.down[0][8*b+j])<<15
			}
			binary.LittleEndian.PutUint16(block[34+2*j:], high)
		}
		if top != 0 {
			putHalf(block, d*1.125)
		}
	}
}

// scale3 rounds v to the nearest odd number 2l+1 and returns l, 0…7.
func scale3(v float32) uint8 {
	return uint8(min(max(nearest(0.5*(float32(v)-1)), 0), 7))
}

// putHalf1 stores the scale of a super-block of IQ1_M, whose four parts are zero
// before; getHalf1 reads it.
func putHalf1(block []byte, d float32) {
	var bits [2]byte
	putHalf(bits[:], d)
	for q, nibble := range [4]byte{bits[0] & 15, bits[0] >> 4, bits[1] & 15, bits[1] >> 4} {
		block[49+2*q] |= nibble << 4
	}
}

func getHalf1(block []byte) float32 {
	return half([]byte{block[49]>>4 | block[51]&0xf0, block[53]>>4 | block[55]&0xf0})
}

// scaled1 gives what levels stand for in a sub-block with a scale of three
// bits; the fourth entry belongs to no level.
func scaled1(d float32, level, down uint8) (values [4]float32) {
	d *= float32(2*level + 1)
	for l, v := range values1[down&1] {
		values[l] = d * v
	}
	return values
}

// DequantizeIQ1_S restores one row of IQ1_S.
func DequantizeIQ1_S(dst []float32, src []byte) {
	codes := codes1x2048().codes
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:][:superLen], src[i/superLen*50:][:50]
		d := half(block)
		for j := range superLen / 32 {
			high := int(binary.LittleEndian.Uint16(block[34+2*j:]))
			values := scaled1(d, uint8(high>>12&7), uint8(high>>15))
			for g, low := range block[2+4*j:][:4] {
				expand8(y[32*j+8*g:], codes[int(low)|high>>(3*g)&7<<8], &values, 0)
			}
		}
	}
}

// DequantizeIQ1_M restores one row of IQ1_M.
func DequantizeIQ1_M(dst []float32, src []byte) {
	codes := codes1x2048().codes
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:][:superLen], src[i/superLen*56:][:56]
		d := getHalf1(block)
		for j := range superLen / 16 {
			level := uint8(binary.LittleEndian.Uint16(block[48+j/4*2:]) >> (j % 4 * 3) & 7)
			for g := range 2 {
				high := block[32+j] >> (4 * g)
				values := scaled1(d, level, high>>3)
				expand8(y[16*j+8*g:], codes[int(block[2*j+g])|int(high&7)<<8], &values, 0)
			}
		}
	}
}
