// Package block has the kernels for AVX2 that work on whole blocks or rows, and
// those that look through codebooks.
package block

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// BlocksNEON is Blocks for arm64, and what stands beside them.
func BlocksNEON() {
	ISA = NEON
	Blocks()
	GreatestBits()
}

// Blocks emits functions that write whole blocks.
func Blocks() {
	// types of 32 values with levels in equal steps
	q8_0()
	signedLevels("q4_0"+ISA, false, 8)
	rangeLevels("q4_1"+ISA, false, 15)
	signedLevels("q5_0"+ISA, true, 16)
	rangeLevels("q5_1"+ISA, true, 31)
	tq1_0()
	q2_0()
	fourBitFloats("mxfp4"+ISA, 32)
	fourBitFloats("nvfp4"+ISA, 16)
	tq2_0()
	signBits()
	magnitudes("magnitudes16"+ISA, 16)
	magnitudes("magnitudes32"+ISA, 32)
	nonLinearLevels()
}

// A blockLoop steps through blocks.
type blockLoop struct {
	dst, src, left reg.GPVirtual
}

// beginBlocks starts a function that returns how many blocks it did before
// the first one that is not for it: that one jumps to "done".
func beginBlocks(name, doc string) blockLoop {
	Begin(name, "func(dst *byte, src *float32, blocks int) int", name+" "+doc)
	b := blockLoop{Argument("dst"), Argument("src"), Argument("blocks")}
	Mark("block")
	return b
}

// end closes the loop over blocks of n values that become size bytes.
func (b blockLoop) end(n, size int) {
	Advance(b.src, 4*n)
	Advance(b.dst, size)
	CountDown(b.left, "block")
	Mark("done")
	done := Argument("blocks")
	Subtract(done, b.left)
	GiveInt(done)
	End()
}

// values loads n values from the given one on.
func (b blockLoop) values(first, n int) (v []Reg) {
	for at := 0; at < 4*n; at += Width() {
		v = append(v, LoadV(Mem{Base: b.src, Disp: 4*first + at}))
	}
	return v
}

// to is a place in the block.
func (b blockLoop) to(at int) Mem { return Mem{Base: b.dst, Disp: at} }

// greatestMagnitude is that of the n values of the block, in all lanes.
func (b blockLoop) greatestMagnitude(n int) Reg {
	v := b.magnitudes(0)
	for first := 32; first < n; first += 32 {
		for i, x := range b.magnitudes(first) {
			v[i] = MagnitudesMost(v[i], x)
		}
	}
	return MostMagnitude(v)
}

// magnitudes are those of 32 values.
func (b blockLoop) magnitudes(first int) []Reg {
	mask, v := LoadV(Bits(Magnitude)), b.values(first, 32)
	for i := range v {
		v[i] = And(mask, v[i])
	}
	return v
}

// Scales between these powers of two have inverses that are neither infinite
// nor subnormal.
const (
	leastScale    = (127 - 100) << 23
	greatestScale = (127 + 100) << 23
)

// leaveUnlessOrdinary jumps to "done" if a float that is not negative is out
// of bounds. Such floats compare like their bits.
func leaveUnlessOrdinary(x Reg) { JumpUnlessWithin(x, leastScale, greatestScale, "done") }

// compare is Compare as a vector, which it is for AVX2.
func compare(predicate uint64, a, b Op) Reg { return Compare(predicate, a, b).(Reg) }

// putHalf stores a float16.
func (b blockLoop) putHalf(at int, f Reg) { StoreHalf(b.to(at), f) }

// reciprocal is 1/v.
func reciprocal(v Reg) Reg { return Div(LoadV(Constant(1)), v) }

const untilUnusual = "writes blocks until one has an unusual scale, and returns how many."

// q8_0 emits blocks whose scale maps the greatest magnitude to 127.
func q8_0() {
	b := beginBlocks("q8_0"+ISA, untilUnusual)
	size := b.greatestMagnitude(32)
	leaveUnlessOrdinary(size)
	scale := Div(size, Constant(127))
	b.putHalf(0, scale)
	inverse := reciprocal(scale)
	// Adding slightly less than a half, and cutting off, rounds ties away
	// from zero below 2^22.
	sign, half := LoadV(Bits(SignBit)), LoadV(Constant(0x1.fffffep-2))
	l := b.values(0, 32)
	for i, x := range l {
		f := Mul(x, inverse)
		l[i] = Cut(Add(f, Or(half, And(sign, f))))
	}
	for i, bytes := range PackBytes(l) {
		StoreV(b.to(2+Width()*i), bytes)
	}
	b.end(32, 34)
}

// signedLevels emits blocks whose scale maps the extreme value to -zero.
func signedLevels(name string, fifth bool, zero float32) {
	b := beginBlocks(name, untilUnusual)
	v := b.magnitudes(0)
	size := MostMagnitude(v)
	leaveUnlessOrdinary(size)
	scale := Div(FirstEqual(b.src, v, size), LoadV(Constant(-zero)))
	b.putHalf(0, scale)
	l := b.levels(nil, reciprocal(scale), zero+0.5, 2*zero-1)
	b.end(32, b.putLevels(2, l, fifth))
}

// rangeLevels emits blocks whose scale maps the range of values to 0…top. A
// minimum of zero is for others, as its sign is that of the first zero.
func rangeLevels(name string, fifth bool, top float32) {
	b := beginBlocks(name, "writes blocks until one has an unusual scale or the minimum 0, and returns how many.")
	v := b.values(0, 32)
	low, high := LeastOf(v), MostOf(v)
	JumpIfNone(low, "done")
	scale := Div(Sub(high, low), Constant(top))
	leaveUnlessOrdinary(scale)
	b.putHalf(0, scale)
	b.putHalf(2, low)
	l := b.levels(low, reciprocal(scale), 0.5, top)
	b.end(32, b.putLevels(4, l, fifth))
}

// levels truncates (x-low)·inverse + bias to integers of at most top, as bytes.
func (b blockLoop) levels(low, inverse Reg, bias, top float32) []Reg {
	shift, most := LoadV(Constant(bias)), LoadV(Bits(uint32(top)))
	l := b.values(0, 32)
	for i, f := range l {
		if low != nil {
			f = Sub(f, low)
		}
		l[i] = Cut(Add(Mul(f, inverse), shift))
		AtMost(l[i], most)
	}
	return PackBytes(l)
}

// putLevels stores 32 levels of four bits: value j in the low, value j+16 in
// the high half of byte j. Fifth bits go before them. It returns the size of
// the block.
func (b blockLoop) putLevels(at int, l []Reg, fifth bool) (size int) {
	if fifth {
		StoreBits(b.to(at), l, 4)
		at += 4
	}
	StoreNibbles(b.to(at), l, fifth)
	return at + 16
}
