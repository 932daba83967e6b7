package unpack

import (
	"encoding/binary"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// decoders read back what has been packed. They are written from the layouts
// of the blocks and share nothing with what writes them.
var decoders = map[gguf.Type]func(dst []float32, src []byte){
	gguf.TypeQ4_0: eachBlock(18, func(dst []float32, b []byte) {
		d := half(b)
		for i := range dst {
			dst[i] = d * float32(int(b[2+i%16]>>(i/16*4)&15)-8)
		}
	}),
	gguf.TypeQ5_0: eachBlock(22, func(dst []float32, b []byte) {
		d, high := half(b), binary.LittleEndian.Uint32(b[2:])
		for i := range dst {
			dst[i] = d * float32(int(b[6+i%16]>>(i/16*4)&15)+int(high>>i&1)*16-16)
		}
	}),
	gguf.TypeQ8_0: eachBlock(34, func(dst []float32, b []byte) {
		d := half(b)
		for i := range dst {
			dst[i] = d * float32(int8(b[2+i]))
		}
	}),
	gguf.TypeQ4_1: eachBlock(20, func(dst []float32, b []byte) {
		d, m := half(b), half(b[2:])
		for i := range dst {
			dst[i] = float32(d*float32(b[4+i%16]>>(i/16*4)&15)) + m
		}
	}),
	gguf.TypeQ5_1: eachBlock(24, func(dst []float32, b []byte) {
		d, m, high := half(b), half(b[2:]), binary.LittleEndian.Uint32(b[4:])
		for i := range dst {
			dst[i] = float32(d*float32(int(b[8+i%16]>>(i/16*4)&15)+int(high>>i&1)*16)) + m
		}
	}),
}

func half(b []byte) float32 { return dtype.F16ToF32(binary.LittleEndian.Uint16(b)) }

// eachBlock decodes rows of blocks that have a size in bytes.
func eachBlock(size int, decode func(dst []float32, block []byte)) func([]float32, []byte) {
	return func(dst []float32, src []byte) {
		for len(dst) > 0 {
			decode(dst[:blockLen], src[:size])
			dst, src = dst[blockLen:], src[size:]
		}
	}
}
