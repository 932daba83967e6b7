package forward

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// decoder emits a function that turns n blocks of so many values and bytes
// into float32. setup loads constants and returns what writes one block.
func decoder(name string, values, bytes int, setup func() func(dst, src Mem)) {
	Begin(name, "func(dst *float32, src *byte, n int)", fmt.Sprintf("%s decodes n blocks of %d values in %d bytes.", name, values, bytes))
	dst, src, n := Argument("dst"), Argument("src"), Argument("n")
	body := setup()
	Mark("loop")
	body(Mem{Base: dst}, Mem{Base: src})
	Advance(dst, 4*values)
	Advance(src, bytes)
	CountDown(n, "loop")
	End()
}

// floatsAt decodes eight values of 16 bits.
func floatsAt(at func(from Mem) Reg) func() func(dst, src Mem) {
	return func() func(dst, src Mem) {
		return func(dst, src Mem) {
			for i := 0; i < 32; i += Width() {
				StoreV(dst.Offset(i), at(src.Offset(i/2)))
			}
		}
	}
}

func decoders() {
	decoder("decodeBF16", 8, 16, floatsAt(BrainFloatsAt))
	decoder("decodeF16", 8, 16, floatsAt(HalvesAt))
	decoder("decodeQ8_0", 32, 34, func() func(dst, src Mem) {
		return func(dst, src Mem) {
			d := HalfEverywhere(src)
			FloatsAt(src.Offset(2), 32, true, func(at int, v Reg) { StoreV(dst.Offset(4*at), Mul(v, d)) })
		}
	})
	decoder("decodeQ4_0", 32, 18, func() func(dst, src Mem) {
		mask, zero := BytesOf("nibbles", 15), BytesOf("eights", 8)
		return func(dst, src Mem) {
			d := HalfEverywhere(src)
			for i, x := range NibblesAt(src.Offset(2), mask) {
				SubBytes(x, zero)
				FloatsOf(x, true, func(at int, v Reg) { StoreV(dst.Offset(4*(Width()*i+at)), Mul(v, d)) })
			}
		}
	})
	decodeMin("decodeQ4_K", false)
	decodeMin("decodeQ5_K", true)
	decodeQ6K()
}

// sixBits unpacks eight scales and eight minimums of 6 bits from 12 bytes:
// the first four of each lie in the low bits of bytes 0-3 and 4-7; of the
// others, the low nibbles lie in the nibbles of bytes 8-11, the high bits
// above the first ones.
func sixBits(src Mem, nibbles, pairs, sixes reg.GPVirtual) (scales, mins []Reg) {
	first, high, rest, shifted := IntegerAt(src), General(), Word(src.Offset(8)), General()
	Move64(high, first)
	ShiftDown(high, 2)
	AndBits(high, pairs)
	Move64(shifted, rest)
	Merge(rest, shifted, 32-4)
	AndBits(rest, nibbles)
	Merge(high, rest, 0)
	AndBits(first, sixes)
	all := IntegerFloats(first, high)
	return all[:len(all)/2], all[len(all)/2:]
}

// scaled multiplies each vector and keeps them.
func scaled(v []Reg, by Reg) func(i int) Reg {
	for i := range v {
		v[i] = Mul(v[i], by)
	}
	return Spread(v)
}

// decodeMin emits the decoder of Q4_K, or of Q5_K with a plane of fifth bits.
func decodeMin(name string, fifth bool) {
	size, low := 144, 16
	if fifth {
		size, low = 176, 48
	}
	decoder(name, 256, size, func() func(dst, src Mem) {
		mask := BytesOf("nibbles", 15)
		nibbles, pairs, sixes := Copies(15), Copies(0x30), Copies(0x3f)
		var sixteen Reg
		if fifth {
			sixteen = BytesOf("sixteens", 16)
		}
		return func(dst, src Mem) {
			s, m := sixBits(src.Offset(4), nibbles, pairs, sixes)
			scales, mins := scaled(s, HalfEverywhere(src)), scaled(m, HalfEverywhere(src.Offset(2)))
			for j := 0; j < 8; j += 2 { // two groups of 32 values share their bytes
				scale, offset := [2]Reg{scales(j), scales(j + 1)}, [2]Reg{mins(j), mins(j + 1)}
				put := func(group, at int, v Reg) {
					StoreV(dst.Offset(4*(32*(j+group)+at)), Sub(Mul(v, scale[group]), offset[group]))
				}
				if !fifth {
					NibbleFloatsAt(src.Offset(low+16*j), 32, mask, put)
					continue
				}
				for w := 0; w < 32; w += Width() {
					x := LoadV(src.Offset(low + 16*j + w))
					for group := range 2 {
						y, bit := Masked(ShiftRight16(x, 4*group), mask), j+group
						// The bit becomes the fifth; what the shift carries over from a
						// neighbour is masked.
						h := ShiftRight16(ShiftLeft16(LoadV(src.Offset(16+w)), max(0, 4-bit)), max(0, bit-4))
						BitOr(Masked(h, sixteen), y)
						FloatsOf(y, false, func(at int, v Reg) { put(group, w+at, v) })
					}
				}
			}
		}
	})
}

// decodeQ6K emits the decoder of Q6_K: 128 bytes of low nibbles, 64 of pairs
// of high bits, 16 signed scales, the scale of them all.
func decodeQ6K() {
	decoder("decodeQ6_K", 256, 210, func() func(dst, src Mem) {
		low, pair, zero := BytesOf("nibbles", 15), BytesOf("pairs", 0x30), BytesOf("thirtytwos", 32)
		return func(dst, src Mem) {
			var s []Reg
			FloatsAt(src.Offset(192), 16, true, func(_ int, v Reg) { s = append(s, v) })
			scales := scaled(s, HalfEverywhere(src.Offset(208)))
			for part := range 8 { // 32 values each, four to a half of the block
				half, quarter := part/4, part%4
				own := [2]Reg{scales(2 * part), scales(2*part + 1)}
				for w := 0; w < 32; w += Width() {
					x := Masked(ShiftRight16(LoadV(src.Offset(64*half+32*(quarter%2)+w)), quarter/2*4), low)
					h := ShiftRight16(ShiftLeft16(LoadV(src.Offset(128+32*half+w)), max(0, 4-2*quarter)), max(0, 2*quarter-4))
					BitOr(Masked(h, pair), x)
					SubBytes(x, zero)
					FloatsOf(x, true, func(at int, v Reg) { StoreV(dst.Offset(4*(32*part+w+at)), Mul(v, own[(w+at)/16])) })
				}
			}
		}
	})
}
