package block

import (
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
	b := beginBlocks("tq1_0"+ISA, untilUnusual)
	d := b.greatestMagnitude(256)
	leaveUnlessOrdinary(d)
	b.putHalf(52, d)
	inverse := reciprocal(d)

	q := b.trits(0, inverse)
	for k := 1; k < 5; k++ {
		for i, digit := range b.trits(32*k, inverse) {
			appendDigit(q[i], digit)
		}
	}
	for i := range q {
		StoreV(b.to(Width()*i), fraction(q[i]))
	}

	last, digit := Halves(b.trits(160, inverse))
	appendDigit(last, digit)
	for _, first := range []int{192, 224} {
		digit, next := Halves(b.trits(first, inverse))
		appendDigit(last, digit)
		if first == 224 {
			StoreHalfOf(b.to(32), fraction(last))
			last = next
			break
		}
		appendDigit(last, next)
	}

	digit = last
	last = Copy(last)
	for range 3 {
		digit = BytesDown(digit, 4)
		appendDigit(last, digit)
	}
	appendDigit(last, Zero())
	StoreFirst(b.to(48), fraction(last))
	b.end(256, 54)
}

// appendDigit makes q 3q + digit.
func appendDigit(q, digit Reg) {
	IncreaseBytes(q, AddBytes(q, q))
	IncreaseBytes(q, digit)
}

// fraction turns bytes q < 243 to q·256/243, rounded up: that is
// q + ⌊q·13/243⌋, and one more but for 0. The quotient is that of q·3508/2^16.
func fraction(q Reg) Reg {
	one := LeastBytes(q, Bits(0x01010101))
	low, high := BytesToWords(q)
	out := WordsToBytes(HighProduct(low, 3508), HighProduct(high, 3508))
	IncreaseBytes(out, q)
	IncreaseBytes(out, one)
	return out
}

// q2_0 emits blocks of 64: byte j has the values from 4j on as bit pairs.
func q2_0() {
	b := beginBlocks("q2_0"+ISA, untilUnusual)
	d := b.greatestMagnitude(64)
	leaveUnlessOrdinary(d)
	b.putHalf(0, d)
	inverse := reciprocal(d)
	var quads []Reg
	for first := 0; first < 64; first += 32 {
		for _, t := range b.trits(first, inverse) {
			quads = append(quads, FourPairs(t))
		}
	}
	StoreLowBytesOf16(b.to(2), quads)
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
