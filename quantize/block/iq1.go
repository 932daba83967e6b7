package block

import (
	"encoding/binary"

	"github.com/f190792d/mq/quantize/kernel"
)

// Types on a codebook of eight ternary levels. Level l stands for l-1+shift;
// a bit in the block gives the direction of the shift.

// values1 are the values of levels without their scale, for both shifts.
var values1 = kernel.Shifted

// QuantizeIQ1_S quantizes one row to super-blocks of 256 values in 50 bytes:
// a float16, for each 8 values the low byte of a rank in a codebook of 2048
// (32), for each 32 values the four high parts of ranks, a scale of three
// bits and a shift (16). The format is made for an importance matrix; without
// one, values weigh by their squares.
func QuantizeIQ1_S(dst []byte, src, weights []float32) {
	s := splits.Get().(*split)
	defer splits.Put(s)
	for i := 0; i+superLen <= len(src); i += superLen {
		block, x := dst[i/superLen*50:][:50], src[i:][:superLen]
		clear(block)
		weigh1(s.all[:], x, superBlockOf(weights, i))
		var scales [8]float32
		var down [8]uint8
		var top float32
		for j := range scales {
			if !s.load(x, j) || !s.find() {
				continue
			}
			scales[j], down[j] = s.fit(), s.down
			top = max(top, scales[j])
			var high uint16
			for g, rank := range s.ranks {
				block[2+4*j+g] = uint8(rank)
				high |= rank >> 8 << (3 * g)
			}
			binary.LittleEndian.PutUint16(block[34+2*j:], high)
		}
		if top == 0 {
			continue
		}
		d := top / 15
		putHalf(block, d*1.125)
		inverse := 1 / d
		for j, scale := range scales {
			block[35+2*j] |= scale3(inverse*scale)<<4 | down[j]<<7
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
