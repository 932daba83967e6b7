package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// trits are 32 values from the given one on, rounded to -1, 0, 1, as bytes 0,
// 1, 2. No magnitude is more than one rounding above 1.
func (b blockLoop) trits(first int, inverse Reg) []Reg {
	l := b.values(first, 32)
	up, down := LoadV(Constant(0.5)), LoadV(Constant(-0.5))
	for i, x := range l {
		f := Mul(x, inverse)
		l[i] = SubInt(compare(LessEqual, f, down), compare(GreaterEqual, f, up))
	}
	t := PackBytes(l)
	for i := range t {
		t[i] = AddBytes(t[i], Bits(0x01010101))
	}
	return t
}

// tq2_0 emits super-blocks of 256: byte j of 32 has values j, j+32, j+64 and
// j+96 as bit pairs.
func tq2_0() {
	b := beginBlocks("tq2_0"+ISA, untilUnusual)
	d := b.greatestMagnitude(256)
	leaveUnlessOrdinary(d)
	b.putHalf(64, d)
	inverse := reciprocal(d)
	for half := range 2 {
		pairs := b.trits(128*half+96, inverse)
		for k := 2; k >= 0; k-- {
			t := b.trits(128*half+32*k, inverse)
			for i := range t {
				BitOr(ShiftLeft16(pairs[i], 2), t[i])
			}
			pairs = t
		}
		for i := range pairs {
			StoreV(b.to(32*half+Width()*i), pairs[i])
		}
	}
	b.end(256, 66)
}

// tq1_0 emits super-blocks of 256: 32 bytes of five digits of base three, the
// first one 32 values before the second, then 16 such bytes, 16 values apart,
// and four of four digits, four apart.
func tq1_0() {
	b := beginBlocks("tq1_0AVX2", untilUnusual)
	d := b.greatestMagnitude(256)
	leaveUnlessOrdinary(d)
	b.putHalf(52, d)
	inverse := reciprocal(d)

	q := b.trits(0, inverse)[0]
	for k := 1; k < 5; k++ {
		appendDigit(q, b.trits(32*k, inverse)[0])
	}
	StoreV(b.to(0), fraction(q))

	q = b.trits(160, inverse)[0]
	digit := YMM()
	VEXTRACTI128(operand.Imm(1), q, digit.AsX())
	appendDigit(q, digit)
	t := b.trits(192, inverse)[0]
	appendDigit(q, t)
	VEXTRACTI128(operand.Imm(1), t, t.AsX())
	appendDigit(q, t)
	t = b.trits(224, inverse)[0]
	appendDigit(q, t)
	VMOVDQU(fraction(q).AsX(), b.to(32))

	VEXTRACTI128(operand.Imm(1), t, t.AsX())
	q = YMM()
	VMOVDQA(t, q)
	for range 3 {
		VPSRLDQ(operand.Imm(4), t, t)
		appendDigit(q, t)
	}
	appendDigit(q, Zero())
	VMOVD(fraction(q).AsX(), b.to(48))
	b.end(256, 54)
}

// appendDigit makes q 3q + digit.
func appendDigit(q, digit Reg) {
	double := YMM()
	VPADDB(q, q, double)
	VPADDB(double, q, q)
	VPADDB(digit, q, q)
}

// fraction turns bytes q < 243 to q·256/243, rounded up: that is
// q + ⌊q·13/243⌋, and one more but for 0.
func fraction(q Reg) Reg {
	none, one := Zero(), YMM()
	VPMINUB(Bits(0x01010101), q, one)
	factor := LoadV(Bits(3507<<16 | 3507)) // ⌈13·2^16/243⌉
	low, high := YMM(), YMM()
	VPUNPCKLBW(none, q, low)
	VPUNPCKHBW(none, q, high)
	VPMULHUW(factor, low, low)
	VPMULHUW(factor, high, high)
	VPACKUSWB(high, low, low)
	VPADDB(q, low, low)
	VPADDB(one, low, low)
	return low
}

// q2_0 emits blocks of 64: byte j has the values from 4j on as bit pairs.
func q2_0() {
	b := beginBlocks("q2_0AVX2", untilUnusual)
	d := b.greatestMagnitude(64)
	leaveUnlessOrdinary(d)
	b.putHalf(0, d)
	inverse := reciprocal(d)
	var quads [2]Reg
	for half := range quads {
		t := b.trits(32*half, inverse)[0]
		VPMADDUBSW(Bits(0x04010401), t, t)
		VPMADDWD(Bits(0x00100001), t, t)
		quads[half] = t
	}
	VPACKSSDW(quads[1], quads[0], quads[0])
	VPACKUSWB(quads[0], quads[0], quads[0])
	VPERMD(quads[0], LoadV(Words("firsts", 0, 4, 1, 5, 0, 4, 1, 5)), quads[0])
	VMOVDQU(quads[0].AsX(), b.to(2))
	b.end(64, 18)
}

// signBits emits the bits of blocks of 128: one where a value is not negative.
func signBits() {
	b := beginBlocks("signBits"+ISA, "sets the bits of values from zero up in blocks of 128, and returns how many.")
	none := Zero()
	for first := 0; first < 128; first += 32 {
		l := b.values(first, 32)
		for i, x := range l {
			l[i] = compare(GreaterEqual, x, none)
		}
		StoreBits(b.to(2+first/8), PackBytes(l), 7)
	}
	b.end(128, 18)
}
