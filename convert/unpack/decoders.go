package unpack

import (
	"encoding/binary"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// decoders read back what has been packed. They are written from the layouts
// of the blocks and share nothing with what writes them.
var decoders = map[gguf.Type]func(dst []float32, src []byte){
	gguf.TypeQ4_0: eachBlock(18, func(dst *[blockLen]float32, b []byte) {
		d := half(b)
		for i, c := range b[2:18] {
			dst[i], dst[i+16] = d*float32(int(c&15)-8), d*float32(int(c>>4)-8)
		}
	}),
	gguf.TypeQ5_0: eachBlock(22, func(dst *[blockLen]float32, b []byte) {
		d, high := half(b), binary.LittleEndian.Uint32(b[2:])
		for i, c := range b[6:22] {
			dst[i], dst[i+16] = d*float32(int(c&15)+int(high>>i&1)*16-16), d*float32(int(c>>4)+int(high>>(i+16)&1)*16-16)
		}
	}),
	gguf.TypeQ8_0: eachBlock(34, func(dst *[blockLen]float32, b []byte) {
		d := half(b)
		for i, c := range b[2:34] {
			dst[i] = d * float32(int8(c))
		}
	}),
	gguf.TypeQ4_1: eachBlock(20, func(dst *[blockLen]float32, b []byte) {
		d, m := half(b), half(b[2:])
		for i, c := range b[4:20] {
			dst[i], dst[i+16] = float32(d*float32(c&15))+m, float32(d*float32(c>>4))+m
		}
	}),
	gguf.TypeQ5_1: eachBlock(24, func(dst *[blockLen]float32, b []byte) {
		d, m, high := half(b), half(b[2:]), binary.LittleEndian.Uint32(b[4:])
		for i, c := range b[8:24] {
			dst[i] = float32(d*float32(int(c&15)+int(high>>i&1)*16)) + m
			dst[i+16] = float32(d*float32(int(c>>4)+int(high>>(i+16)&1)*16)) + m
		}
	}),
	gguf.TypeNVFP4: func(dst []float32, src []byte) {
		for ; len(dst) > 0; dst, src = dst[nvNumbers:], src[nvBytes:] {
			for i := range nvNumbers {
				part, j := i/16, i%16
				code := src[nvScales+8*part+j%8] >> (j / 8 * 4) & 15
				dst[i] = magnitudes[code] * dtype.F8E4M3ToF32(src[part])
			}
		}
	},
}

func half(b []byte) float32 { return dtype.F16ToF32(binary.LittleEndian.Uint16(b)) }

// eachBlock decodes rows of blocks that have a size in bytes.
func eachBlock(size int, decode func(dst *[blockLen]float32, block []byte)) func([]float32, []byte) {
	return func(dst []float32, src []byte) {
		for len(dst) > 0 {
			decode((*[blockLen]float32)(dst), src[:size])
			dst, src = dst[blockLen:], src[size:]
		}
	}
}
