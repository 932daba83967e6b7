package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// run loads the 32 values of a run.
func run(x reg.Register) (v [4]Reg) {
	for i := range v {
		v[i] = load(Mem{Base: x, Disp: 32 * i})
	}
	return v
}

// across emits one of 32 values in all lanes: the least or the greatest, whose
// order does not matter but for the sign of a zero.
func across(v [4]Reg, of func(a, b Op) Reg) Reg {
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

// first emits the value of the run at x where v first equals m.
func first(x reg.Register, v [4]Reg, m Reg) Reg {
	at := GP32()
	for i := range v {
		mask := lanes(compare(equal, v[i], m))
		if i == 0 {
			MOVL(mask, at)
			continue
		}
		SHLL(operand.Imm(uint64(8*i)), mask)
		ORL(mask, at)
	}
	ORL(operand.U32(1<<31), at) // for NaN, which equals nothing
	BSFL(at, at)
	return broadcast(Mem{Base: x, Index: at.As64(), Scale: 4})
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
	mask, none := load(bits(magnitude)), zero()
	Label("loop")
	v := run(x)
	for i := range v {
		v[i] = and(v[i], mask)
	}
	m := across(v, func(a, b Op) Reg { return greatest(a, b) })
	storeFirst(dst, only(compare(greater, m, none), first(x, v, m)))
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
	v := run(x)
	storeFirst(low, first(x, v, across(v, func(a, b Op) Reg { return least(a, b) })))
	storeFirst(high, first(x, v, across(v, func(a, b Op) Reg { return greatest(a, b) })))
	ADDQ(operand.I32(128), x)
	ADDQ(operand.Imm(4), low)
	ADDQ(operand.Imm(4), high)
	DECQ(runs)
	JNZ(operand.LabelRef("loop"))
	VZEROUPPER()
	RET()
}
