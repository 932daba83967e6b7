package search

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// A rounding emits what the loop needs, and returns the integers of a vector
// of values, whose low bytes count.
type rounding func(low, high Reg) func(x Mem, scale, offset func() Reg) Reg

// nearestBy rounds as kernel.Nearest does.
func nearestBy(by func(a, b Op) Reg) rounding {
	return func(low, high Reg) func(Mem, func() Reg, func() Reg) Reg {
		return func(x Mem, scale, offset func() Reg) Reg {
			return SubInt(Between(Near(by(Add(offset(), x), scale())), low, high), low)
		}
	}
}

// halfUp truncates after adding ½ - low, and keeps the low byte, with its sign,
// up to high - low.
func halfUp(low, high Reg) func(Mem, func() Reg, func() Reg) Reg {
	top := SubInt(high, low)
	bias := Sub(LoadV(Constant(0.5)), ToFloat(low))
	return func(x Mem, scale, offset func() Reg) Reg {
		l := LowByte(Truncate(Add(Mul(Add(offset(), x), scale()), bias)))
		AtMost(l, top)
		return l
	}
}

// away truncates, and moves what is left with ½ or more away from zero. What
// does not fit an integer stays as it is.
func away(Reg, Reg) func(Mem, func() Reg, func() Reg) Reg {
	half, minus, lowest := LoadV(Constant(0.5)), LoadV(Constant(-0.5)), LoadV(Bits(0x80000000))
	return func(x Mem, scale, _ func() Reg) Reg {
		f := Mul(scale(), x)
		l := Truncate(f)
		invalid, rest := EqualInt(l, lowest), Sub(f, ToFloat(l))
		up := Without(invalid, Compare(GreaterEqual, rest, half)).(Reg)
		down := Without(invalid, Compare(LessEqual, rest, minus)).(Reg)
		return AddInt(SubInt(l, up), down)
	}
}

// roundingLoop has the registers of a loop that rounds 32 values a turn. With
// runs of 16, these have two scales.
type roundingLoop struct {
	levels, x, left, scale, offset reg.GPVirtual
	second                         reg.GPVirtual // distance to the scale of the second 16
}

// beginRounding emits what comes before the loop's constants.
func beginRounding(name string) roundingLoop {
	Begin(name, "func(levels *uint8, x *float32, count, n int, scale, offset *float32, low, high int32)",
		name+" rounds count values, a multiple of 32, in runs of n, 16 or 32, to bytes.")
	r := roundingLoop{
		levels: Argument("levels"), x: Argument("x"), left: Argument("count"),
		scale: Argument("scale"), offset: Argument("offset"), second: GP64(),
	}
	SetTo(r.second, 32)
	Subtract(r.second, Argument("n"))
	ShiftDown(r.second, 2)
	return r
}

// turn turns to the scale of the second 16 values.
func (r roundingLoop) turn() {
	Increase(r.scale, r.second)
	Increase(r.offset, r.second)
}

// next ends a turn of the loop, and the function.
func (r roundingLoop) next() {
	Advance(r.scale, 4)
	Advance(r.offset, 4)
	Advance(r.x, 128)
	Advance(r.levels, 32)
	CountDownBy(r.left, 32, "loop")
	End()
}

// round emits the rounding of runs of values to levels, 32 at a time.
func round(name string, how rounding) {
	r := beginRounding(name)
	level := how(Everywhere("low"), Everywhere("high"))
	once := func(base reg.GPVirtual) func() Reg {
		var v Reg
		return func() Reg {
			if v == nil {
				v = Broadcast(Mem{Base: base})
			}
			return v
		}
	}
	Mark("loop")
	var l []Reg
	scale, offset := once(r.scale), once(r.offset)
	for at := 0; at < 128; at += Width() {
		if at == 64 {
			r.turn()
			scale, offset = once(r.scale), once(r.offset)
		}
		l = append(l, level(Mem{Base: r.x, Disp: at}, scale, offset))
	}
	StoreLowBytes(Mem{Base: r.levels}, l)
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
