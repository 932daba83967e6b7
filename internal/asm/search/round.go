package search

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// A rounding emits what the loop needs, and returns the bytes of eight values
// as integers.
type rounding func(low, high Reg) func(x Mem, scale, offset func() Reg) Reg

// nearestBy rounds as kernel.Nearest does.
func nearestBy(by func(a, b Op) Reg) rounding {
	return func(low, high Reg) func(Mem, func() Reg, func() Reg) Reg {
		return func(x Mem, scale, offset func() Reg) Reg {
			l := Between(Near(by(Add(offset(), x), scale())), low, high)
			VPSUBD(low, l, l)
			return l
		}
	}
}

// halfUp truncates after adding ½ - low, and keeps the low byte, with its sign,
// up to high - low.
func halfUp(low, high Reg) func(Mem, func() Reg, func() Reg) Reg {
	VPSUBD(low, high, high)
	bias := ToFloat(low)
	bias = Sub(LoadV(Constant(0.5)), bias)
	return func(x Mem, scale, offset func() Reg) Reg {
		l := YMM()
		VCVTTPS2DQ(Add(Mul(Add(offset(), x), scale()), bias), l)
		VPSLLD(operand.Imm(24), l, l)
		VPSRAD(operand.Imm(24), l, l)
		VPMINSD(high, l, l)
		return l
	}
}

// away truncates, and moves what is left with ½ or more away from zero. What
// does not fit an integer stays as it is.
func away(Reg, Reg) func(Mem, func() Reg, func() Reg) Reg {
	half, minus, lowest := LoadV(Constant(0.5)), LoadV(Constant(-0.5)), LoadV(Bits(0x80000000))
	return func(x Mem, scale, _ func() Reg) Reg {
		f, l, valid := Mul(scale(), x), YMM(), YMM()
		VCVTTPS2DQ(f, l)
		VPCMPEQD(lowest, l, valid)
		rest := Sub(f, ToFloat(l))
		up := Without(valid, Compare(GreaterEqual, rest, half))
		down := Without(valid, Compare(LessEqual, rest, minus))
		VPSUBD(up, l, l)
		VPADDD(down, l, l)
		return l
	}
}

// roundingLoop has the registers of a loop that rounds 32 values a turn. With
// runs of 16, these have two scales.
type roundingLoop struct {
	levels, x, left, scale, offset reg.Register
	second                         reg.Register // distance to the scale of the second 16
}

// beginRounding emits what comes before the loop's constants.
func beginRounding(name string) roundingLoop {
	TEXT(name, NOSPLIT, "func(levels *uint8, x *float32, count, n int, scale, offset *float32, low, high int32)")
	Doc(name + " rounds count values, a multiple of 32, in runs of n, 16 or 32, to bytes.")
	Pragma("noescape")
	r := roundingLoop{
		levels: Load(Param("levels"), GP64()), x: Load(Param("x"), GP64()), left: Load(Param("count"), GP64()),
		scale: Load(Param("scale"), GP64()), offset: Load(Param("offset"), GP64()), second: Load(Param("n"), GP64()),
	}
	SHRQ(operand.Imm(5), r.second)
	XORQ(operand.Imm(1), r.second)
	SHLQ(operand.Imm(2), r.second)
	return r
}

// turn turns to the scale of the second 16 values.
func (r roundingLoop) turn() {
	ADDQ(r.second, r.scale)
	ADDQ(r.second, r.offset)
}

// next ends a turn of the loop, and the function.
func (r roundingLoop) next() {
	for _, p := range []reg.Register{r.scale, r.offset} {
		ADDQ(operand.Imm(4), p)
	}
	ADDQ(operand.I32(128), r.x)
	ADDQ(operand.Imm(32), r.levels)
	SUBQ(operand.Imm(32), r.left)
	JNZ(operand.LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// round emits the rounding of runs of values to levels, 32 at a time.
func round(name string, how rounding) {
	r := beginRounding(name)
	bound := func(name string) Reg {
		p, _ := Param(name).Resolve()
		return Broadcast(p.Addr)
	}
	level := how(bound("low"), bound("high"))
	order := LoadV(Words("order", 0, 4, 1, 5, 2, 6, 3, 7))

	Label("loop")
	var l [4]Reg
	for i := range l {
		if i == 2 {
			r.turn()
		}
		at := func(base reg.Register) func() Reg {
			return func() Reg { return Broadcast(Mem{Base: base}) }
		}
		l[i] = level(Mem{Base: r.x, Disp: 32 * i}, at(r.scale), at(r.offset))
		VPAND(Bits(0xff), l[i], l[i])
	}
	// The packing works within halves of registers; order undoes that.
	VPACKSSDW(l[1], l[0], l[0])
	VPACKSSDW(l[3], l[2], l[2])
	VPACKUSWB(l[2], l[0], l[0])
	VPERMD(l[0], order, l[0])
	StoreV(Mem{Base: r.levels}, l[0])
	r.next()
}

// roundWide is round with nearestBy on vectors of 16 values, which narrow to
// bytes in one step.
func roundWide(name string, by func(a, b Op) Reg) {
	r := beginRounding(name)
	low, high := Everywhere("low"), Everywhere("high")

	Label("loop")
	for i := range 2 {
		if i == 1 {
			r.turn()
		}
		shifted := Add(Broadcast(Mem{Base: r.offset}), Mem{Base: r.x, Disp: 64 * i})
		l := Between(Near(by(shifted, Broadcast(Mem{Base: r.scale}))), low, high)
		VPSUBD(low, l, l)
		VPMOVDB(l, Mem{Base: r.levels, Disp: 16 * i})
	}
	r.next()
}
