package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// round emits the rounding of runs of values to levels, 32 at a time. With
// runs of 16, these 32 have two scales.
func round(name string, by func(a, b Op) Reg) {
	TEXT(name, NOSPLIT, "func(levels *uint8, x *float32, count, n int, scale, offset *float32, low, high int32)")
	Doc(name + " rounds count values, a multiple of 32, in runs of n, 16 or 32; see Rounding.")
	Pragma("noescape")
	levels, x, left := Load(Param("levels"), GP64()), Load(Param("x"), GP64()), Load(Param("count"), GP64())
	scale, offset := Load(Param("scale"), GP64()), Load(Param("offset"), GP64())
	second := Load(Param("n"), GP64()) // distance to the scale of the second 16
	SHRQ(operand.Imm(5), second)
	XORQ(operand.Imm(1), second)
	SHLQ(operand.Imm(2), second)
	bound := func(name string) Reg {
		p, _ := Param(name).Resolve()
		return broadcast(p.Addr)
	}
	low, high := bound("low"), bound("high")
	order := load(words("order", 0, 4, 1, 5, 2, 6, 3, 7))

	Label("loop")
	var l [4]Reg
	for i := range l {
		if i == 2 {
			ADDQ(second, scale)
			ADDQ(second, offset)
		}
		shifted := add(broadcast(Mem{Base: offset}), Mem{Base: x, Disp: 32 * i})
		l[i] = between(near(by(shifted, broadcast(Mem{Base: scale}))), low, high)
		VPSUBD(low, l[i], l[i])
	}
	// The packing works within halves of registers; order undoes that.
	VPACKSSDW(l[1], l[0], l[0])
	VPACKSSDW(l[3], l[2], l[2])
	VPACKUSWB(l[2], l[0], l[0])
	VPERMD(l[0], order, l[0])
	store(Mem{Base: levels}, l[0])
	for _, p := range []reg.Register{scale, offset} {
		ADDQ(operand.Imm(4), p)
	}
	ADDQ(operand.I32(128), x)
	ADDQ(operand.Imm(32), levels)
	SUBQ(operand.Imm(32), left)
	JNZ(operand.LabelRef("loop"))
	VZEROUPPER()
	RET()
}
