package block

import "github.com/f190792d/mq/quantize/kernel"

// gridOfFew is the grid of a type of few levels whose blocks have one scale, at
// dAt.
func gridOfFew(size, dAt int, levels []float32, unpack func(levels *[superLen]uint8, src []byte), pack func(dst []byte, levels *[superLen]uint8)) Grid {
	return Grid{
		Block: size, Sub: 32, Levels: levels, ScaleLow: 1, ScaleHigh: 1,
		Unpack: func(c *Codes, src []byte) {
			c.D, c.DMin, c.Min = half(src[dAt:]), 0, [16]int32{}
			for j := range size / 32 {
				c.Scale[j] = 1
			}
			unpack(&c.Level, src)
		},
		Pack: func(dst []byte, c *Codes) {
			pack(dst, &c.Level)
			putHalf(dst[dAt:], c.D)
		},
	}
}

// The grids of the types of one and of two bits, and of the ternary ones.
var (
	GridTQ1_0 = gridOfFew(superLen, 52, even(3, 1), unpackTrits, func(dst []byte, levels *[superLen]uint8) { packTrits(dst, levels[:]) })
	GridTQ2_0 = gridOfFew(superLen, 64, even(3, 1), func(levels *[superLen]uint8, src []byte) { unpackPairs(levels, src[:64]) },
		func(dst []byte, levels *[superLen]uint8) { kernel.PackPairs((*[64]uint8)(dst), levels) })
	GridQ1_0 = gridOfFew(128, 0, []float32{-1, 1}, func(levels *[superLen]uint8, src []byte) { unpackLow(levels[:128], src[2:], 1) },
		func(dst []byte, levels *[superLen]uint8) { packLow(dst[2:18], levels[:128], 1) })
	GridQ2_0 = gridOfFew(64, 0, even(4, 1), func(levels *[superLen]uint8, src []byte) { unpackLow(levels[:64], src[2:], 2) },
		func(dst []byte, levels *[superLen]uint8) { packLow(dst[2:18], levels[:64], 2) })
)

// unpackTrits reads the 256 levels of a block of TQ1_0.
func unpackTrits(levels *[superLen]uint8, src []byte) {
	y := levels[:]
	for _, c := range tritColumns {
		for b, v := range src[:c.width] {
			for k := range c.depth {
				y[b+k*c.width] = uint8(uint32(v) * 3 >> 8)
				v *= 3
			}
		}
		src, y = src[c.width:], y[c.width*c.depth:]
	}
}

// unpackLow reads levels of some bits each, low bits first.
func unpackLow(levels []uint8, src []byte, bits int) {
	for i := range levels {
		levels[i] = src[i*bits/8] >> (i * bits % 8) & (1<<bits - 1)
	}
}

func packLow(dst []byte, levels []uint8, bits int) {
	clear(dst)
	for i, l := range levels {
		dst[i*bits/8] |= l << (i * bits % 8)
	}
}
