package search

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// first emits the value of the run at x where v first equals m.
func first(x reg.Register, v [4]Reg, m Reg) Reg {
	at := GP32()
	for i := range v {
		mask := LaneBits(Compare(Equal, v[i], m))
		if i == 0 {
			MOVL(mask, at)
			continue
		}
		SHLL(operand.Imm(uint64(8*i)), mask)
		ORL(mask, at)
	}
	ORL(operand.U32(1<<31), at) // for NaN, which equals nothing
	BSFL(at, at)
	return Broadcast(Mem{Base: x, Index: at.As64(), Scale: 4})
}

// storeFirst stores lane 0.
func storeFirst(to reg.Register, v Reg) { VMOVSS(v.AsX(), Mem{Base: to}) }

// extremes emits the value of largest magnitude of each run of 32; that of
// zeros is +0.
func extremes() {
	TEXT("extremesAVX2", NOSPLIT, "func(dst, x *float32, runs int)")
	Doc("extremesAVX2 finds the value of largest magnitude of runs of 32.")
	Pragma("noescape")
	dst, x, runs := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("runs"), GP64())
	mask, none := LoadV(Bits(Magnitude)), Zero()
	Label("loop")
	v := Run(x, 0)
	for i := range v {
		v[i] = And(v[i], mask)
	}
	m := Across(v, func(a, b Op) Reg { return Greatest(a, b) })
	storeFirst(dst, Only(Compare(Greater, m, none), first(x, v, m)))
	ADDQ(operand.I32(128), x)
	ADDQ(operand.Imm(4), dst)
	DECQ(runs)
	JNZ(operand.LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// bounds emits the least and the greatest value of each run of 32.
func bounds() {
	TEXT("boundsAVX2", NOSPLIT, "func(low, high, x *float32, runs int)")
	Doc("boundsAVX2 finds the least and the greatest value of runs of 32.")
	Pragma("noescape")
	low, high := Load(Param("low"), GP64()), Load(Param("high"), GP64())
	x, runs := Load(Param("x"), GP64()), Load(Param("runs"), GP64())
	Label("loop")
	v := Run(x, 0)
	storeFirst(low, first(x, v, Across(v, func(a, b Op) Reg { return Least(a, b) })))
	storeFirst(high, first(x, v, Across(v, func(a, b Op) Reg { return Greatest(a, b) })))
	ADDQ(operand.I32(128), x)
	ADDQ(operand.Imm(4), low)
	ADDQ(operand.Imm(4), high)
	DECQ(runs)
	JNZ(operand.LabelRef("loop"))
	VZEROUPPER()
	RET()
}
