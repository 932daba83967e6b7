package block

import "github.com/f190792d/mq/quantize/kernel"

// A Grid describes what values the blocks of a type can hold:
//
//	d·scale·level - dmin·min
//
// with float16 d and dmin of a block, whole numbers scale and min of a
// sub-block, and a level of each value.
type Grid struct {
	Block int // values that share d and dmin
	Sub   int // values that share a scale and a minimum

	Levels              []float32 // what codes stand for, rising
	ScaleLow, ScaleHigh int32     // the same: there is only one scale
	ScaleStep           int32     // between two scales; 0 is 1
	Scales              []float32 // what scales stand for, rising, and d is 1; nil: themselves
	MinLow, MinHigh     int32     // 0 and 0: there are no minima
	Book                *Book     // nil: each value has any level

	// Unpack and Pack convert one block. What they give and take has Block
	// codes and Block/Sub scales and minima.
	Unpack func(c *Codes, src []byte)
	Pack   func(dst []byte, c *Codes)
}

// Codes are the numbers that one block is made of.
type Codes struct {
	D, DMin    float32 // as float16 holds them
	Scale, Min [16]int32
	Level      [superLen]uint8
}

// even are levels that are evenly spaced.
func even(count int, zero float32) []float32 {
	list := make([]float32, count)
	for i := range list {
		list[i] = float32(i) - zero
	}
	return list
}

// gridOfMin is the grid of a K type with minima.
func gridOfMin(t *kMin) Grid {
	return Grid{
		Block: superLen, Sub: t.sub, Levels: even(1<<t.bits, 0), ScaleHigh: t.scaleMax, MinHigh: t.scaleMax,
		Unpack: func(c *Codes, src []byte) {
			scales, mins := t.scalesOf(src)
			for j := range superLen / t.sub {
				c.Scale[j], c.Min[j] = int32(scales[j]), int32(mins[j])
			}
			c.D, c.DMin, c.Level = half(src[t.dAt:]), half(src[t.dAt+2:]), t.unpack(src)
		},
		Pack: func(dst []byte, c *Codes) {
			var scales, mins [16]uint8
			for j := range superLen / t.sub {
				scales[j], mins[j] = uint8(c.Scale[j]), uint8(c.Min[j])
			}
			t.putScales(dst, scales, mins)
			putHalf(dst[t.dAt:], c.D)
			putHalf(dst[t.dAt+2:], c.DMin)
			t.pack(dst, &c.Level)
		},
	}
}

// gridOfLegacy is the grid of a type of blocks of 32 values. A type with
// minima adds them.
func gridOfLegacy(t *legacy) Grid {
	g := Grid{Block: 32, Sub: 32, Levels: even(2*int(t.zero()), float32(t.zero())), ScaleLow: 1, ScaleHigh: 1}
	if t.min {
		g.Levels, g.MinLow, g.MinHigh = even(2*int(t.zero()), 0), 1, 1
	}
	high, low, _ := t.offsets()
	g.Unpack = func(c *Codes, src []byte) {
		c.D, c.DMin, c.Scale[0], c.Min[0] = half(src), 0, 1, 0
		if t.min {
			c.DMin, c.Min[0] = -half(src[2:]), 1
		}
		var fifth uint32
		if t.fifth {
			fifth = le.Uint32(src[high:])
		}
		for j, b := range src[low : low+16] {
			c.Level[j] = b&15 | uint8(fifth>>j&1)<<4
			c.Level[j+16] = b>>4 | uint8(fifth>>(j+16)&1)<<4
		}
	}
	g.Pack = func(dst []byte, c *Codes) {
		putHalf(dst, c.D)
		if t.min {
			putHalf(dst[2:], -c.DMin)
		}
		t.pack(dst, (*[32]uint8)(c.Level[:]))
	}
	return g
}

// The grids of the types that have one.
var (
	GridQ4_0 = gridOfLegacy(&q4_0)
	GridQ4_1 = gridOfLegacy(&q4_1)
	GridQ5_0 = gridOfLegacy(&q5_0)
	GridQ5_1 = gridOfLegacy(&q5_1)
	GridQ2_K = gridOfMin(&q2K)
	GridQ4_K = gridOfMin(&q4K)
	GridQ5_K = gridOfMin(&q5K)

	GridQ8_0 = Grid{
		Block: 32, Sub: 32, Levels: even(255, 127), ScaleLow: 1, ScaleHigh: 1,
		Unpack: func(c *Codes, src []byte) {
			c.D, c.DMin, c.Scale[0], c.Min[0] = half(src), 0, 1, 0
			for j, b := range src[2:34] {
				c.Level[j] = uint8(int(int8(b)) + 127)
			}
		},
		Pack: func(dst []byte, c *Codes) {
			putHalf(dst, c.D)
			for j, l := range c.Level[:32] {
				dst[2+j] = byte(int(l) - 127)
			}
		},
	}
	GridQ3_K = Grid{
		Block: superLen, Sub: 16, Levels: even(8, 4), ScaleLow: -32, ScaleHigh: 31,
		Unpack: func(c *Codes, src []byte) {
			var scales [16]uint8
			scales3(&scales, src[96:108])
			for j, s := range scales {
				c.Scale[j], c.Min[j] = int32(s)-32, 0
			}
			c.D, c.DMin = half(src[108:]), 0
			unpackPairs(&c.Level, src[32:96])
			unpackBits(&c.Level, src, 2)
		},
		Pack: func(dst []byte, c *Codes) {
			var scales [16]uint8
			for j, s := range c.Scale {
				scales[j] = uint8(s + 32)
			}
			kernel.PackBits((*[32]uint8)(dst), &c.Level, 2)
			kernel.PackPairs((*[64]uint8)(dst[32:]), &c.Level)
			putScales3(dst[96:108], &scales)
			putHalf(dst[108:], c.D)
		},
	}
	GridQ6_K = Grid{
		Block: superLen, Sub: 16, Levels: even(64, 32), ScaleLow: -128, ScaleHigh: 127,
		Unpack: func(c *Codes, src []byte) {
			unpack6(&c.Level, src)
			for j, s := range src[192:208] {
				c.Scale[j], c.Min[j] = int32(int8(s)), 0
			}
			c.D, c.DMin = half(src[208:]), 0
		},
		Pack: func(dst []byte, c *Codes) {
			kernel.PackSix((*[192]uint8)(dst), &c.Level)
			for j, s := range c.Scale {
				dst[192+j] = byte(s)
			}
			putHalf(dst[208:], c.D)
		},
	}
	GridIQ4_NL = Grid{
		Block: 32, Sub: 32, Levels: values4[:], ScaleLow: 1, ScaleHigh: 1,
		Unpack: func(c *Codes, src []byte) {
			c.D, c.DMin, c.Scale[0], c.Min[0] = half(src), 0, 1, 0
			unpack4(c.Level[:32], src[2:18])
		},
		Pack: func(dst []byte, c *Codes) {
			putHalf(dst, c.D)
			pack4(dst[2:18], c.Level[:32])
		},
	}
	GridIQ4_XS = Grid{
		Block: superLen, Sub: 32, Levels: values4[:], ScaleLow: -32, ScaleHigh: 31,
		Unpack: func(c *Codes, src []byte) {
			c.D, c.DMin = half(src), 0
			high := le.Uint16(src[2:])
			for j := range superLen / 32 {
				c.Scale[j], c.Min[j] = int32(src[4+j/2]>>(j%2*4)&15|uint8(high>>(2*j)&3)<<4)-32, 0
				unpack4(c.Level[32*j:][:32], src[8+16*j:][:16])
			}
		},
		Pack: func(dst []byte, c *Codes) {
			putHalf(dst, c.D)
			clear(dst[4:8])
			var high uint16
			for j := range superLen / 32 {
				s := uint8(c.Scale[j] + 32)
				dst[4+j/2] |= s & 15 << (j % 2 * 4)
				high |= uint16(s>>4) << (2 * j)
				pack4(dst[8+16*j:][:16], c.Level[32*j:][:32])
			}
			le.PutUint16(dst[2:], high)
		},
	}
)

// unpack4 reads 32 codes of four bits: value j is low and value j+16 high in
// byte j.
func unpack4(levels []uint8, src []byte) {
	for j, b := range src[:16] {
		levels[j], levels[j+16] = b&15, b>>4
	}
}

func pack4(dst []byte, levels []uint8) {
	for j := range dst[:16] {
		dst[j] = levels[j] | levels[j+16]<<4
	}
}
