package block

import (
	. "github.com/f190792d/mq/internal/asm/vec"
)

// Rows emits conversions of rows between float types.
func Rows() {
	widen("widenBF16"+ISA, BrainFloatsAt)
	widen("widenF16"+ISA, HalvesAt)
	narrowBF16()
	narrowF16()
	codes("scaleCodes"+ISA, "(code - offset) · scale", func(code, scale, offset Reg) Reg { return Mul(Sub(code, offset), scale) })
	codes("moveCodes"+ISA, "code · scale + offset", func(code, scale, offset Reg) Reg { return Add(Mul(code, scale), offset) })
}

// RowsNEON is Rows for arm64.
func RowsNEON() {
	ISA = NEON
	Rows()
}

// codes emits what makes weights of whole numbers of 8 bits in groups, each
// with a scale and an offset.
func codes(name, says string, one func(code, scale, offset Reg) Reg) {
	Begin(name, "func(dst *float32, src *byte, scale, offset *float32, groups, size int)",
		name+" makes "+says+" of groups of size codes, a positive multiple of 32.")
	dst, src, scales, offsets, groups := Argument("dst"), Argument("src"), Argument("scale"), Argument("offset"), Argument("groups")
	Mark("group")
	scale, offset, left := Broadcast(Mem{Base: scales}), Broadcast(Mem{Base: offsets}), Argument("size")
	Mark("loop")
	FloatsAt(Mem{Base: src}, 32, false, func(at int, v Reg) { StoreV(Mem{Base: dst, Disp: 4 * at}, one(v, scale, offset)) })
	Advance(src, 32)
	Advance(dst, 128)
	CountDownBy(left, 32, "loop")
	Advance(scales, 4)
	Advance(offsets, 4)
	CountDown(groups, "group")
	End()
}

// widen emits the conversion of 16-bit floats to float32, 32 at a time.
func widen(name string, at func(from Mem) Reg) {
	Begin(name, "func(dst *float32, src *byte, n int)", name+" converts n values, a positive multiple of 32.")
	dst, src, left := Argument("dst"), Argument("src"), Argument("n")
	Mark("loop")
	for i := 0; i < 128; i += Width() {
		StoreV(Mem{Base: dst, Disp: i}, at(Mem{Base: src, Disp: i / 2}))
	}
	Advance(src, 64)
	Advance(dst, 128)
	CountDownBy(left, 32, "loop")
	End()
}

// leaveAtNaN jumps to "done" if there is a NaN.
func leaveAtNaN(x []Reg) {
	var bad []Mask
	for _, v := range x {
		bad = append(bad, Compare(NotEqual, v, v))
	}
	JumpUnlessAny(bad, "numbers")
	Jump("done")
	Mark("numbers")
}

func narrowBF16() {
	b := beginBlocks("narrowBF16"+ISA, "rounds blocks of 32 values to bfloat16 until one has a NaN, and returns how many.")
	x := b.values(0, 32)
	leaveAtNaN(x)
	half, one := LoadV(Bits(0x7fff)), LoadV(Bits(1))
	for i, v := range x {
		odd := Masked(ShiftRight(v, 16), one)
		x[i] = AddInt(v, AddInt(odd, half))
		if i%2 == 1 {
			StoreTops(b.to(Width()*(i/2)), x[i-1], x[i])
		}
	}
	b.end(32, 64)
}

func narrowF16() {
	b := beginBlocks("narrowF16"+ISA, "rounds blocks of 32 values to float16 until one has a NaN, and returns how many.")
	x := b.values(0, 32)
	leaveAtNaN(x)
	for i := range x {
		StoreHalves(b.to(Width()/2*i), x[i])
	}
	b.end(32, 64)
}
