package forward

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/f190792d/mq/internal/asm/vec"
)

// decoder emits a function that turns n blocks of so many values and bytes
// into float32. setup loads constants and returns what writes one block.
func decoder(name string, values, bytes int, setup func() func(dst, src Mem)) {
	TEXT(name, NOSPLIT, "func(dst *float32, src *byte, n int)")
	Doc(fmt.Sprintf("%s decodes n blocks of %d values in %d bytes.", name, values, bytes))
	Pragma("noescape")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	body := setup()
	Label("loop")
	body(Mem{Base: dst}, Mem{Base: src})
	ADDQ(I32(4*values), dst)
	ADDQ(I32(bytes), src)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// halfAt loads a float16 into all lanes.
func halfAt(src Mem) reg.VecVirtual {
	d := YMM()
	VPBROADCASTW(src, d.AsX())
	VCVTPH2PS(d.AsX(), d)
	return d
}

// bytesOf fills a vector with a byte.
func bytesOf(name string, v uint32) reg.VecVirtual { return vec.Scalar(name, U32(v*0x01010101)) }

// eightFloats converts the low eight bytes of x, signed where they may be
// negative.
func eightFloats(x Op, signed bool) reg.VecVirtual {
	y := YMM()
	if signed {
		VPMOVSXBD(x, y)
	} else {
		VPMOVZXBD(x, y)
	}
	VCVTDQ2PS(y, y)
	return y
}

// eachEight calls f for the four parts of the bytes of x, converted.
func eachEight(x reg.VecVirtual, signed bool, f func(i int, v reg.VecVirtual)) {
	f(0, eightFloats(x.AsX(), signed))
	t := XMM()
	VPSRLDQ(Imm(8), x.AsX(), t)
	f(1, eightFloats(t, signed))
	VEXTRACTI128(Imm(1), x, t)
	f(2, eightFloats(t, signed))
	VPSRLDQ(Imm(8), t, t)
	f(3, eightFloats(t, signed))
}

// times stores v·scale, less offset where there is one.
func times(v, scale reg.VecVirtual, offset Op, to Mem) {
	VMULPS(scale, v, v)
	if offset != nil {
		VSUBPS(offset, v, v)
	}
	VMOVUPS(v, to)
}

func decoders() {
	decoder("decodeBF16", 8, 16, func() func(dst, src Mem) {
		return func(dst, src Mem) {
			v := YMM()
			VPMOVZXWD(src, v)
			VPSLLD(Imm(16), v, v)
			VMOVUPS(v, dst)
		}
	})
	decoder("decodeF16", 8, 16, func() func(dst, src Mem) {
		return func(dst, src Mem) {
			v := YMM()
			VCVTPH2PS(src, v)
			VMOVUPS(v, dst)
		}
	})
	decoder("decodeQ8_0", 32, 34, func() func(dst, src Mem) {
		return func(dst, src Mem) {
			d := halfAt(src)
			for i := range 4 {
				times(eightFloats(src.Offset(2+8*i), true), d, nil, dst.Offset(32*i))
			}
		}
	})
	decoder("decodeQ4_0", 32, 18, func() func(dst, src Mem) {
		mask, zero := bytesOf("nibbles", 15), bytesOf("eights", 8)
		return func(dst, src Mem) {
			d := halfAt(src)
			x, high := YMM(), YMM()
			VMOVDQU(src.Offset(2), x.AsX())
			VPSRLW(Imm(4), x.AsX(), high.AsX())
			VINSERTI128(Imm(1), high.AsX(), x, x)
			VPAND(mask, x, x)
			VPSUBB(zero, x, x)
			eachEight(x, true, func(i int, v reg.VecVirtual) { times(v, d, nil, dst.Offset(32*i)) })
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
func sixBits(src Mem) (scales, mins reg.VecVirtual) {
	load := func(at int) reg.GPVirtual {
		r := GP32()
		MOVL(src.Offset(at), r)
		return r
	}
	combine := func(first, rest reg.GPVirtual) reg.VecVirtual {
		high := GP32()
		MOVL(first, high)
		SHRL(Imm(2), high)
		ANDL(U32(0x30303030), high)
		ANDL(U32(0x0f0f0f0f), rest)
		ORL(rest, high)
		ANDL(U32(0x3f3f3f3f), first)
		SHLQ(Imm(32), high.As64())
		ORQ(first.As64(), high.As64())
		x := YMM()
		VMOVQ(high.As64(), x.AsX())
		return eightFloats(x.AsX(), false)
	}
	rest, shifted := load(8), GP32()
	MOVL(rest, shifted)
	SHRL(Imm(4), shifted)
	return combine(load(0), rest), combine(load(4), shifted)
}

// decodeMin emits the decoder of Q4_K, or of Q5_K with a plane of fifth bits.
func decodeMin(name string, fifth bool) {
	size, low := 144, 16
	if fifth {
		size, low = 176, 48
	}
	decoder(name, 256, size, func() func(dst, src Mem) {
		mask := bytesOf("nibbles", 15)
		var sixteen reg.VecVirtual
		if fifth {
			sixteen = bytesOf("sixteens", 16)
		}
		kept := AllocLocal(64) // eight scales, eight offsets
		return func(dst, src Mem) {
			d, dmin := halfAt(src), halfAt(src.Offset(2))
			scales, mins := sixBits(src.Offset(4))
			VMULPS(d, scales, scales)
			VMULPS(dmin, mins, mins)
			VMOVUPS(scales, kept)
			VMOVUPS(mins, kept.Offset(32))
			for group := range 4 {
				x := YMM()
				VMOVDQU(src.Offset(low+32*group), x)
				for half := range 2 {
					j := 2*group + half
					y := YMM()
					if half == 0 {
						VPAND(mask, x, y)
					} else {
						VPSRLW(Imm(4), x, y)
						VPAND(mask, y, y)
					}
					if fifth {
						// Bit j becomes bit 4; what the shift carries over
						// from a neighbour is masked.
						h := YMM()
						VMOVDQU(src.Offset(16), h)
						if j < 4 {
							VPSLLW(Imm(uint64(4-j)), h, h)
						} else if j > 4 {
							VPSRLW(Imm(uint64(j-4)), h, h)
						}
						VPAND(sixteen, h, h)
						VPOR(h, y, y)
					}
					scale, offset := YMM(), YMM()
					VBROADCASTSS(kept.Offset(4*j), scale)
					VBROADCASTSS(kept.Offset(32+4*j), offset)
					eachEight(y, false, func(i int, v reg.VecVirtual) {
						times(v, scale, offset, dst.Offset(4*(32*j+8*i)))
					})
				}
			}
		}
	})
}

// decodeQ6K emits the decoder of Q6_K: 128 bytes of low nibbles, 64 of pairs
// of high bits, 16 signed scales, the scale of them all.
func decodeQ6K() {
	decoder("decodeQ6_K", 256, 210, func() func(dst, src Mem) {
		low, pair, zero := bytesOf("nibbles", 15), bytesOf("pairs", 0x30), bytesOf("thirtytwos", 32)
		kept := AllocLocal(64)
		return func(dst, src Mem) {
			d := halfAt(src.Offset(208))
			for i := range 2 {
				s := eightFloats(src.Offset(192+8*i), true)
				VMULPS(d, s, s)
				VMOVUPS(s, kept.Offset(32*i))
			}
			for part := range 8 { // 32 values each, four to a half of the block
				half, quarter := part/4, part%4
				x, h := YMM(), YMM()
				VMOVDQU(src.Offset(64*half+32*(quarter%2)), x)
				if quarter >= 2 {
					VPSRLW(Imm(4), x, x)
				}
				VPAND(low, x, x)
				VMOVDQU(src.Offset(128+32*half), h)
				switch shift := 4 - 2*quarter; {
				case shift > 0:
					VPSLLW(Imm(uint64(shift)), h, h)
				case shift < 0:
					VPSRLW(Imm(uint64(-shift)), h, h)
				}
				VPAND(pair, h, h)
				VPOR(h, x, x)
				VPSUBB(zero, x, x)
				var scales [2]reg.VecVirtual
				for i := range scales {
					scales[i] = YMM()
					VBROADCASTSS(kept.Offset(4*(2*part+i)), scales[i])
				}
				eachEight(x, true, func(i int, v reg.VecVirtual) {
					times(v, scales[i/2], nil, dst.Offset(4*(32*part+8*i)))
				})
			}
		}
	})
}
