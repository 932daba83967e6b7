// Package block has the kernels for AVX2 that work on whole blocks or rows, and
// those that look through codebooks.
package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// Blocks emits functions that write whole blocks.
func Blocks() {
	q8_0()
	for _, t := range []struct {
		signed, ranged string
		fifth          bool
		zero           float32
	}{{"q4_0AVX2", "q4_1AVX2", false, 8}, {"q5_0AVX2", "q5_1AVX2", true, 16}} {
		signedLevels(t.signed, t.fifth, t.zero)
		rangeLevels(t.ranged, t.fifth, 2*t.zero-1)
	}
	tq1_0()
	tq2_0()
	q2_0()
	signBits()
	fourBitFloats("mxfp4AVX2", 32)
	fourBitFloats("nvfp4AVX2", 16)
	magnitudes("magnitudes16AVX2", 16)
	magnitudes("magnitudes32AVX2", 32)
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

// run loads values from the given one on.
func (b blockLoop) run(first int) [4]Reg { return Run(b.src, 4*first) }

// greatestMagnitude is that of the n values of the block, in all lanes.
func (b blockLoop) greatestMagnitude(n int) Reg {
	mask := LoadV(Bits(Magnitude))
	v := b.run(0)
	for i := range v {
		v[i] = And(mask, v[i])
	}
	for first := 32; first < n; first += 32 {
		for i, x := range b.run(first) {
			v[i] = Greatest(v[i], And(mask, x))
		}
	}
	return Across(v, func(a, b Op) Reg { return Greatest(a, b) })
}

// Scales between these powers of two have inverses that are neither infinite
// nor subnormal.
const (
	leastScale    = (127 - 100) << 23
	greatestScale = (127 + 100) << 23
)

// leaveUnlessOrdinary jumps to "done" if a float that is not negative is out
// of bounds. Such floats compare like their bits.
func leaveUnlessOrdinary(x Reg) {
	bits := GP32()
	VMOVD(x.AsX(), bits)
	SUBL(operand.U32(leastScale), bits)
	CMPL(bits, operand.U32(greatestScale-leastScale))
	JA(operand.LabelRef("done"))
}

// compare is Compare as a vector, which it is for AVX2.
func compare(predicate uint64, a, b Op) Reg { return Compare(predicate, a, b).(Reg) }

// first emits the value of the run at x where v first equals m, one of v.
func first(x reg.Register, v [4]Reg, m Reg) Reg {
	var hits [4]Reg
	for i := range v {
		hits[i] = compare(Equal, v[i], m)
	}
	at := GP32()
	VPMOVMSKB(packBytes(hits), at)
	BSFL(at, at)
	return Broadcast(Mem{Base: x, Index: at.As64(), Scale: 4})
}

// putHalf stores a float16.
func (b blockLoop) putHalf(at int, f Reg) {
	h := XMM()
	VCVTPS2PH(operand.Imm(0), f.AsX(), h)
	VPEXTRW(operand.Imm(0), h, b.to(at))
}

// reciprocal is 1/v.
func reciprocal(v Reg) Reg { return Div(LoadV(Constant(1)), v) }

// packBytes packs 32 integers to signed bytes in their order.
func packBytes(l [4]Reg) Reg {
	low, high := YMM(), YMM()
	VPACKSSDW(l[1], l[0], low)
	VPACKSSDW(l[3], l[2], high)
	VPACKSSWB(high, low, low)
	// The packing works within halves of registers.
	VPERMD(low, LoadV(Words("order", 0, 4, 1, 5, 2, 6, 3, 7)), low)
	return low
}

const untilUnusual = "writes blocks until one has an unusual scale, and returns how many."

// q8_0 emits blocks whose scale maps the greatest magnitude to 127.
func q8_0() {
	b := beginBlocks("q8_0AVX2", untilUnusual)
	size := b.greatestMagnitude(32)
	leaveUnlessOrdinary(size)
	scale := Div(size, Constant(127))
	b.putHalf(0, scale)
	inverse := reciprocal(scale)
	// Adding slightly less than a half, and cutting off, rounds ties away
	// from zero below 2^22.
	sign, half := LoadV(Bits(SignBit)), LoadV(Constant(0x1.fffffep-2))
	l := b.run(0)
	for i, x := range l {
		f := Mul(x, inverse)
		to := And(sign, f)
		VORPS(half, to, to)
		VCVTTPS2DQ(Add(f, to), l[i])
	}
	StoreV(b.to(2), packBytes(l))
	b.end(32, 34)
}

// signedLevels emits blocks whose scale maps the extreme value to -zero.
func signedLevels(name string, fifth bool, zero float32) {
	b := beginBlocks(name, untilUnusual)
	mask := LoadV(Bits(Magnitude))
	v := b.run(0)
	for i := range v {
		v[i] = And(mask, v[i])
	}
	size := Across(v, func(a, b Op) Reg { return Greatest(a, b) })
	leaveUnlessOrdinary(size)
	scale := Div(first(b.src, v, size), Constant(-zero))
	b.putHalf(0, scale)
	l := b.levels(nil, reciprocal(scale), zero+0.5, 2*zero-1)
	b.end(32, b.putLevels(2, l, fifth))
}

// rangeLevels emits blocks whose scale maps the range of values to 0…top. A
// minimum of zero is for others, as its sign is that of the first zero.
func rangeLevels(name string, fifth bool, top float32) {
	b := beginBlocks(name, "writes blocks until one has an unusual scale or the minimum 0, and returns how many.")
	v := b.run(0)
	low := Across(v, func(a, b Op) Reg { return Least(a, b) })
	high := Across(v, func(a, b Op) Reg { return Greatest(a, b) })
	sign := GP32()
	VMOVD(low.AsX(), sign)
	ADDL(sign, sign)
	JZ(operand.LabelRef("done"))
	scale := Div(Sub(high, low), Constant(top))
	leaveUnlessOrdinary(scale)
	b.putHalf(0, scale)
	b.putHalf(2, low)
	l := b.levels(low, reciprocal(scale), 0.5, top)
	b.end(32, b.putLevels(4, l, fifth))
}

// levels truncates (x-low)·inverse + bias to integers of at most top.
func (b blockLoop) levels(low, inverse Reg, bias, top float32) Reg {
	shift, most := LoadV(Constant(bias)), LoadV(Bits(uint32(top)))
	l := b.run(0)
	for i, f := range l {
		if low != nil {
			f = Sub(f, low)
		}
		VCVTTPS2DQ(Add(Mul(f, inverse), shift), l[i])
		VPMINSD(most, l[i], l[i])
	}
	return packBytes(l)
}

// putLevels stores 32 levels of four bits: value j in the low, value j+16 in
// the high half of byte j. Fifth bits go before them. It returns the size of
// the block.
func (b blockLoop) putLevels(at int, l Reg, fifth bool) (size int) {
	if fifth {
		top, set := YMM(), GP32()
		VPSLLW(operand.Imm(3), l, top)
		VPMOVMSKB(top, set)
		MOVL(set, b.to(at))
		at += 4
		VPAND(Bits(0x0f0f0f0f), l, l)
	}
	high := XMM()
	VEXTRACTI128(operand.Imm(1), l, high)
	VPSLLW(operand.Imm(4), high, high)
	VPOR(l.AsX(), high, high)
	VMOVDQU(high, b.to(at))
	return at + 16
}
