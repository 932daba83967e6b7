package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What searches with groups in lanes need beside.

// Count adds one to integers where the mask is set, in place.
func Count(m Mask, n Reg) {
	if ISA == AVX512 {
		VPADDD(Bits(1), n, m, n)
	} else {
		CountMask(n, m)
	}
}

// Discount is Count the other way.
func Discount(m Mask, n Reg) {
	if ISA == AVX512 {
		VPSUBD(Bits(1), n, m, n)
	} else {
		inPlace(func(b, a, o Op) { VPADDD(b, a, o) }, addInt, n, m)
	}
}

// Reciprocal is 1/a, up to 3/8192 of it with AVX2, and else 1/16384.
func Reciprocal(a Op) Reg {
	out := Vector()
	if ISA == NEON { // which knows but eight bits before a step of Newton's
		arm2(frecpe, out, a)
		return Mul(out, binary(nil, frecps, out, a))
	}
	if ISA == AVX512 {
		VRCP14PS(a, out)
	} else {
		VRCPPS(a, out)
	}
	return out
}

// SignOf is -1 for negative integers and 0 for others.
func SignOf(v Reg) Reg {
	return unary(func(a, o Op) { VPSRAD(operand.Imm(31), a, o) }, rightBy(sshr, 32, 31), v)
}

// PutSet stores a set of lanes as the bits from shift on of a word, which is 0 for NEON. The
// place is where whole bytes of the set belong.
func PutSet(to Mem, set, shift reg.GPVirtual) {
	switch ISA {
	case NEON:
		ShiftUpBy(set, shift)
		MergeInto(to, set)
	case AVX512:
		MOVW(set.As16(), to)
	default:
		MOVB(set.As8(), to)
	}
}
