package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Vectors of bytes, and how they become floats.

// ShiftRight16 shifts elements of 16 bits: what crosses a byte is the caller's to
// mask.
func ShiftRight16(v Reg, n int) Reg {
	if n == 0 {
		return v
	}
	return unary(func(a, o Op) { VPSRLW(operand.Imm(uint64(n)), a, o) }, rightBy(ushr, 16, n), v)
}

// ShiftLeft16 is ShiftRight16 the other way.
func ShiftLeft16(v Reg, n int) Reg {
	if n == 0 {
		return v
	}
	return unary(func(a, o Op) { VPSLLW(operand.Imm(uint64(n)), a, o) }, leftBy(shl, 16, n), v)
}

// Masked is v & mask, for integers.
func Masked(v Reg, mask Op) Reg {
	return binary(func(b, a, o Op) { VPAND(b, a, o) }, andBits, v, mask)
}

// BitOr is or for integers, in place.
func BitOr(bits Op, t Reg) {
	inPlace(func(b, a, o Op) { VPOR(b, a, o) }, orBits, t, bits)
}

// SubBytes subtracts from bytes, in place.
func SubBytes(t Reg, b Op) {
	inPlace(func(b, a, o Op) { VPSUBB(b, a, o) }, subBytes, t, b)
}

// BytesOf fills a vector with a byte.
func BytesOf(name string, v uint32) Reg { return Scalar(name, operand.U32(v*0x01010101)) }

// NibblesAt is 32 nibbles of 16 bytes, first the low ones, as bytes: in one
// vector, or in two.
func NibblesAt(from Mem, low Op) []Reg {
	if ISA == NEON {
		x, high := LoadV(from), Vector()
		arm2(rightBy(ushr, 8, 4), high, x)
		return []Reg{Masked(x, low), high}
	}
	x, high := YMM(), YMM()
	VMOVDQU(from, x.AsX())
	VPSRLW(operand.Imm(4), x.AsX(), high.AsX())
	VINSERTI128(operand.Imm(1), high.AsX(), x, x)
	VPAND(low, x, x)
	return []Reg{x}
}

// widenedBytes converts the lowest bytes of x.
func widenedBytes(x Op, signed bool) Reg {
	y := Vector()
	if signed {
		VPMOVSXBD(x, y)
	} else {
		VPMOVZXBD(x, y)
	}
	return ToFloat(y)
}

// FloatsOf calls f for the values of a vector of bytes, a vector of floats at a
// time, with the place of the first.
func FloatsOf(x Reg, signed bool, f func(at int, v Reg)) {
	if ISA == NEON {
		widen := uint32(ushll)
		if signed {
			widen = sshll
		}
		for half := range uint32(2) {
			words := Vector()
			arm2(widen|1<<19|half<<30, words, x)
			for quarter := range uint32(2) {
				v := Vector()
				arm2(widen|1<<20|quarter<<30, v, words)
				f(int(8*half+4*quarter), ToFloat(v))
			}
		}
		return
	}
	f(0, widenedBytes(x.AsX(), signed))
	t := XMM()
	VPSRLDQ(operand.Imm(8), x.AsX(), t)
	f(8, widenedBytes(t, signed))
	VEXTRACTI128(operand.Imm(1), x, t)
	f(16, widenedBytes(t, signed))
	VPSRLDQ(operand.Imm(8), t, t)
	f(24, widenedBytes(t, signed))
}

// FloatsAt is FloatsOf for n bytes of memory, a multiple of 16.
func FloatsAt(from Mem, n int, signed bool, f func(at int, v Reg)) {
	if ISA == NEON {
		for first := 0; first < n; first += 16 {
			FloatsOf(LoadV(from.Offset(first)), signed, func(at int, v Reg) { f(first+at, v) })
		}
		return
	}
	for at := 0; at < n; at += 8 {
		f(at, widenedBytes(from.Offset(at), signed))
	}
}

// NibbleFloatsAt calls f for the values of the low (0) and the high nibbles (1) of n bytes of
// memory, a multiple of 16, a vector of floats at a time, with the place of the first.
func NibbleFloatsAt(from Mem, n int, low Op, f func(nibble, at int, v Reg)) {
	if ISA == NEON {
		for first := 0; first < n; first += 16 {
			x, high := NibblesOf(LoadV(from.Offset(first)), low)
			for nibble, bytes := range []Reg{x, high} {
				FloatsOf(bytes, false, func(at int, v Reg) { f(nibble, first+at, v) })
			}
		}
		return
	}
	for at := 0; at < n; at += 8 {
		wide := YMM()
		VPMOVZXBD(from.Offset(at), wide)
		f(0, at, ToFloat(Masked(wide, low)))
		f(1, at, ToFloat(ShiftRight(wide, 4)))
	}
}

// IntegerFloats converts the bytes of the lower halves of two integers, then those of the
// upper ones.
func IntegerFloats(first, second reg.GPVirtual) (out []Reg) {
	both := binary(func(b, a, o Op) { VPUNPCKLDQ(b, a, o) }, zip1, inLowest(first), inLowest(second))
	if ISA == NEON {
		FloatsOf(both, false, func(_ int, v Reg) { out = append(out, v) })
		return out
	}
	next := XMM()
	VPSRLDQ(operand.Imm(8), both.AsX(), next)
	return []Reg{widenedBytes(both.AsX(), false), widenedBytes(next, false)}
}

// inLowest moves an integer to the lowest lanes.
func inLowest(n reg.GPVirtual) Reg {
	out := Vector()
	if ISA == NEON {
		armFromGeneral(fmovFromX, out, n)
	} else {
		VMOVQ(n, out.AsX())
	}
	return out
}

// Spread keeps floats, from which the function it returns takes one for all
// lanes.
func Spread(values []Reg) func(i int) Reg {
	if ISA == NEON {
		return func(i int) Reg {
			out := Vector()
			arm2(dup|uint32(i%4<<3|4)<<16, out, values[i/4])
			return out
		}
	}
	kept := AllocLocal(Width() * len(values))
	for i, v := range values {
		StoreV(kept.Offset(Width()*i), v)
	}
	return func(i int) Reg { return Broadcast(kept.Offset(4 * i)) }
}

// SpreadHalves is Spread for the storing of one lane as a float16.
func SpreadHalves(v Reg) func(to Mem, i int) {
	if ISA == NEON {
		of := Spread([]Reg{v})
		return func(to Mem, i int) { StoreHalf(to, of(i)) }
	}
	kept := AllocLocal(16)
	VCVTPS2PH(operand.Imm(0), v, kept)
	return func(to Mem, i int) {
		half := GP32()
		MOVWLZX(kept.Offset(2*i), half)
		MOVW(half.As16(), to)
	}
}

// HalfEverywhere is one float16 of memory in all lanes.
func HalfEverywhere(from Mem) Reg {
	d := Vector()
	if ISA == NEON {
		armPoint(from)
		armWord([]reg.Register{d}, nil, func(number func(reg.Register) int) uint32 {
			return ld1rHalf | armScratch<<5 | uint32(number(d))
		})
		arm2(fcvtl, d, d)
		return d
	}
	VPBROADCASTW(from, d.AsX())
	VCVTPH2PS(d.AsX(), d)
	return d
}

// HalvesAt is a vector of as many float16 of memory.
func HalvesAt(from Mem) Reg {
	out := Vector()
	if ISA == NEON {
		armLoadPart(out, from, 8)
		arm2(fcvtl, out, out)
	} else {
		VCVTPH2PS(from, out)
	}
	return out
}

// BrainFloatsAt is a vector of as many bfloat16 of memory.
func BrainFloatsAt(from Mem) Reg {
	out := Vector()
	if ISA == NEON {
		armLoadPart(out, from, 8)
		arm2(shll16, out, out)
	} else {
		VPMOVZXWD(from, out)
		VPSLLD(operand.Imm(16), out, out)
	}
	return out
}

// StoreHalves stores a vector as float16.
func StoreHalves(to Mem, v Reg) {
	if ISA == NEON {
		half := Vector()
		arm2(fcvtn, half, v)
		armStorePart(to, half, 8)
		return
	}
	VCVTPS2PH(operand.Imm(0), v, to)
}

// StoreTops stores the upper halves of the elements of two vectors.
func StoreTops(to Mem, a, b Reg) {
	out := Vector()
	if ISA == NEON {
		arm2(shrn16, out, a)
		arm2Into(shrn16|upperHalf, out, b)
	} else {
		VPACKUSDW(ShiftRight(b, 16), ShiftRight(a, 16), out)
		VPERMQ(operand.Imm(0xd8), out, out)
	}
	StoreV(to, out)
}
