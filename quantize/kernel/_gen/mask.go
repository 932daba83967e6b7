package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A Mask tells lanes apart: all bits of a lane of a vector, or one bit of a
// mask register.
type Mask = reg.Register

// A predicate of a comparison; NaN makes those with not true.
const (
	equal        = 0x00
	notEqual     = 0x04
	notLessEqual = 0x06
	notGreatEq   = 0x09
	less         = 0x11
	lessEqual    = 0x12
	greaterEqual = 0x1d
	greater      = 0x1e
)

func freshMask() Mask {
	if isa == avx512 {
		return K()
	}
	return YMM()
}

func compare(predicate uint64, a, b Op) Mask {
	out := freshMask()
	if isa == neon {
		armCompare(predicate, out, a, b)
	} else {
		VCMPPS(operand.Imm(predicate), b, a, out)
	}
	return out
}

func both(a, b Mask) Mask {
	out := freshMask()
	if isa == neon {
		arm3(andBits, out, a, b)
		return out
	}
	if isa == avx512 {
		KANDW(b, a, out)
	} else {
		VANDPS(b, a, out)
	}
	return out
}

func either(a, b Mask) Mask {
	out := freshMask()
	if isa == neon {
		arm3(orBits, out, a, b)
		return out
	}
	if isa == avx512 {
		KORW(b, a, out)
	} else {
		VORPS(b, a, out)
	}
	return out
}

// without is b where a is not set.
func without(a, b Mask) Mask {
	out := freshMask()
	if isa == neon {
		arm3(clearBits, out, b, a)
		return out
	}
	if isa == avx512 {
		KANDNW(b, a, out)
	} else {
		VANDNPS(b, a, out)
	}
	return out
}

// choose is yes where the mask is set and no elsewhere.
func choose(m Mask, yes, no Op) Reg {
	out := vector()
	if isa == neon {
		arm2(move, out, m)
		armInto(selectBits, out, yes, no)
		return out
	}
	if isa == avx512 {
		VBLENDMPS(yes, no, m, out)
	} else {
		VBLENDVPS(m, yes, no, out)
	}
	return out
}

// replace is choose in place.
func replace(m Mask, yes Op, v Reg) {
	if isa == neon {
		armInto(insertBits, v, yes, m)
		return
	}
	if isa == avx512 {
		VBLENDMPS(yes, v, m, v)
	} else {
		VBLENDVPS(m, yes, v, v)
	}
}

// only is v where the mask is set and 0 elsewhere.
func only(m Mask, v Op) Reg {
	out := vector()
	if isa == neon {
		arm3(andBits, out, v, m)
		return out
	}
	if isa == avx512 {
		VMOVUPS_Z(v, m, out)
	} else {
		VANDPS(v, m, out)
	}
	return out
}

// except is 0 where the mask is set and v elsewhere.
func except(m Mask, v Op) Reg {
	out := vector()
	if isa == neon {
		arm3(clearBits, out, v, m)
		return out
	}
	if isa == avx512 {
		rest := K()
		KNOTW(m, rest)
		VMOVUPS_Z(v, rest, out)
	} else {
		VANDNPS(v, m, out)
	}
	return out
}

func loadMask(from Mem) Mask {
	if isa == neon {
		return load(from)
	}
	out := freshMask()
	if isa == avx512 {
		KMOVW(from, out)
	} else {
		VMOVUPS(from, out)
	}
	return out
}

func storeMask(to Mem, m Mask) {
	if isa == neon {
		store(to, m.(Reg))
		return
	}
	if isa == avx512 {
		KMOVW(m, to)
	} else {
		VMOVUPS(m, to)
	}
}

// jumpUnlessAny jumps to a label where no mask has a bit.
func jumpUnlessAny(masks []Mask, label string) {
	all := masks[0]
	for _, m := range masks[1:] {
		all = either(all, m)
	}
	if isa == neon {
		armJumpUnlessAny(all, label)
		return
	}
	if isa == avx512 {
		KORTESTW(all, all)
	} else {
		VTESTPS(all, all)
	}
	JZ(operand.LabelRef(label))
}

// lanes emits a mask as bits of an integer.
func lanes(m Mask) reg.GPVirtual {
	if isa == neon {
		return armLanes(m)
	}
	out := GP32()
	if isa == avx512 {
		KMOVW(m, out)
	} else {
		VMOVMSKPS(m, out)
	}
	return out
}
