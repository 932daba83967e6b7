package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// What searches with groups in lanes need beside.

// Count adds one to integers where the mask is set, in place.
func Count(m Mask, n Reg) {
	if ISA == AVX512 {
		VPADDD(Bits(1), n, m, n)
	} else {
		VPSUBD(m.(Op), n, n)
	}
}

// Reciprocal is 1/a, up to 3/8192 of it, or 1/16384 with AVX-512.
func Reciprocal(a Op) Reg {
	out := Vector()
	if ISA == AVX512 {
		VRCP14PS(a, out)
	} else {
		VRCPPS(a, out)
	}
	return out
}

// SignOf is -1 for negative integers and 0 for others.
func SignOf(v Reg) Reg {
	out := Vector()
	VPSRAD(operand.Imm(31), v, out)
	return out
}
