package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A Mask selects lanes: all bits of a lane of a vector, or one bit of a
// mask register.
type Mask = reg.Register

// A predicate of a comparison; NaN makes Unordered and those with Not true.
const (
	Equal        = 0x00
	Unordered    = 0x03
	NotEqual     = 0x04
	NotLessEqual = 0x06
	NotGreatEq   = 0x09
	NotGreater   = 0x0a
	Less         = 0x11
	LessEqual    = 0x12
	GreaterEqual = 0x1d
	Greater      = 0x1e
)

func freshMask() Mask {
	if ISA == AVX512 {
		return K()
	}
	return YMM()
}

// Compare is set where the predicate holds for a and b.
func Compare(predicate uint64, a, b Op) Mask {
	out := freshMask()
	if ISA == NEON {
		armCompare(predicate, out, a, b)
	} else {
		VCMPPS(operand.Imm(predicate), b, a, out)
	}
	return out
}

// Both is a and b.
func Both(a, b Mask) Mask {
	out := freshMask()
	if ISA == NEON {
		arm3(andBits, out, a, b)
		return out
	}
	if ISA == AVX512 {
		KANDW(b, a, out)
	} else {
		VANDPS(b, a, out)
	}
	return out
}

// Either is a or b.
func Either(a, b Mask) Mask {
	out := freshMask()
	if ISA == NEON {
		arm3(orBits, out, a, b)
		return out
	}
	if ISA == AVX512 {
		KORW(b, a, out)
	} else {
		VORPS(b, a, out)
	}
	return out
}

// Without is b where a is not set.
func Without(a, b Mask) Mask {
	out := freshMask()
	if ISA == NEON {
		arm3(clearBits, out, b, a)
		return out
	}
	if ISA == AVX512 {
		KANDNW(b, a, out)
	} else {
		VANDNPS(b, a, out)
	}
	return out
}

// Choose is yes where the mask is set and no elsewhere.
func Choose(m Mask, yes, no Op) Reg {
	out := Vector()
	if ISA == NEON {
		arm2(move, out, m)
		armInto(selectBits, out, yes, no)
		return out
	}
	if ISA == AVX512 {
		VBLENDMPS(yes, no, m, out)
	} else {
		VBLENDVPS(m, yes, no, out)
	}
	return out
}

// Replace is choose in place.
func Replace(m Mask, yes Op, v Reg) {
	if ISA == NEON {
		armInto(insertBits, v, yes, m)
		return
	}
	if ISA == AVX512 {
		VBLENDMPS(yes, v, m, v)
	} else {
		VBLENDVPS(m, yes, v, v)
	}
}

// Only is v where the mask is set and 0 elsewhere.
func Only(m Mask, v Op) Reg {
	out := Vector()
	if ISA == NEON {
		arm3(andBits, out, v, m)
		return out
	}
	if ISA == AVX512 {
		VMOVUPS_Z(v, m, out)
	} else {
		VANDPS(v, m, out)
	}
	return out
}

// Except is 0 where the mask is set and v elsewhere.
func Except(m Mask, v Op) Reg {
	out := Vector()
	if ISA == NEON {
		arm3(clearBits, out, v, m)
		return out
	}
	if ISA == AVX512 {
		rest := K()
		KNOTW(m, rest)
		VMOVUPS_Z(v, rest, out)
	} else {
		VANDNPS(v, m, out)
	}
	return out
}

// LoadMask loads what StoreMask stored.
func LoadMask(from Mem) Mask {
	if ISA == NEON {
		return LoadV(from)
	}
	out := freshMask()
	if ISA == AVX512 {
		KMOVW(from, out)
	} else {
		VMOVUPS(from, out)
	}
	return out
}

// StoreMask stores a mask.
func StoreMask(to Mem, m Mask) {
	if ISA == NEON {
		StoreV(to, m.(Reg))
		return
	}
	if ISA == AVX512 {
		KMOVW(m, to)
	} else {
		VMOVUPS(m, to)
	}
}

// JumpUnlessAny jumps to a label where no mask has a bit.
func JumpUnlessAny(masks []Mask, label string) {
	all := masks[0]
	for _, m := range masks[1:] {
		all = Either(all, m)
	}
	if ISA == NEON {
		armJumpUnlessAny(all, label)
		return
	}
	if ISA == AVX512 {
		KORTESTW(all, all)
	} else {
		VTESTPS(all, all)
	}
	JZ(operand.LabelRef(label))
}

// LaneBits emits a mask as bits of an integer.
func LaneBits(m Mask) reg.GPVirtual {
	if ISA == NEON {
		return armLanes(m)
	}
	out := GP32()
	if ISA == AVX512 {
		KMOVW(m, out)
	} else {
		VMOVMSKPS(m, out)
	}
	return out
}
