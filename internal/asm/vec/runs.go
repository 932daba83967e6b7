package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Runs of 32 values in four registers of AVX2.

// Run loads the 32 values from the given byte of a row on.
func Run(x reg.Register, at int) (v [4]Reg) {
	for i := range v {
		v[i] = LoadV(Mem{Base: x, Disp: at + 32*i})
	}
	return v
}

// Across emits one of 32 values in all lanes: the least or the greatest, whose
// order does not matter but for the sign of a zero.
func Across(v [4]Reg, of func(a, b Op) Reg) Reg {
	m := of(of(v[0], v[1]), of(v[2], v[3]))
	swapped := YMM()
	VPERM2F128(operand.Imm(1), m, m, swapped)
	m = of(m, swapped)
	for _, order := range []uint64{0x4e, 0xb1} {
		swapped := YMM()
		VPERMILPS(operand.Imm(order), m, swapped)
		m = of(m, swapped)
	}
	return m
}
