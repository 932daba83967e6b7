package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Op is an operand of eight floats: a register, or memory as the last of an
// operation's operands. Operands are in the order of the formula.
type (
	Op  = operand.Op
	Reg = reg.VecVirtual
	Mem = operand.Mem
)

func binary(emit func(...Op), a, b Op) Reg {
	out := YMM()
	emit(b, a, out)
	return out
}

func add(a, b Op) Reg { return binary(func(o ...Op) { VADDPS(o[0], o[1], o[2]) }, a, b) }
func sub(a, b Op) Reg { return binary(func(o ...Op) { VSUBPS(o[0], o[1], o[2]) }, a, b) }
func mul(a, b Op) Reg { return binary(func(o ...Op) { VMULPS(o[0], o[1], o[2]) }, a, b) }
func div(a, b Op) Reg { return binary(func(o ...Op) { VDIVPS(o[0], o[1], o[2]) }, a, b) }
func and(a, b Op) Reg { return binary(func(o ...Op) { VANDPS(o[0], o[1], o[2]) }, a, b) }
func or(a, b Op) Reg  { return binary(func(o ...Op) { VORPS(o[0], o[1], o[2]) }, a, b) }
func xor(a, b Op) Reg { return binary(func(o ...Op) { VXORPS(o[0], o[1], o[2]) }, a, b) }

// andNot is b without the bits of a.
func andNot(a, b Op) Reg { return binary(func(o ...Op) { VANDNPS(o[0], o[1], o[2]) }, a, b) }

// least is a < b ? a : b, greatest a > b ? a : b.
func least(a, b Op) Reg    { return binary(func(o ...Op) { VMINPS(o[0], o[1], o[2]) }, a, b) }
func greatest(a, b Op) Reg { return binary(func(o ...Op) { VMAXPS(o[0], o[1], o[2]) }, a, b) }

func sqrt(a Op) Reg {
	out := YMM()
	VSQRTPS(a, out)
	return out
}

// accumulate adds to a sum in place.
func accumulate(sum Reg, term Op) { VADDPS(term, sum, sum) }

// clampRound holds f between two integers and rounds it, ties to even. That
// equals rounding first, since rounding is monotone.
func clampRound(f Reg, low, high Op) Reg {
	VMAXPS(low, f, f)
	VMINPS(high, f, f)
	VROUNDPS(operand.Imm(8), f, f)
	return f
}

// clampRoundPositive is clampRound from 0 up. As integers the bits of floats
// that are not negative have the floats' order, and the units for integer
// minima are not those that add.
func clampRoundPositive(f Reg, none, high Op) Reg {
	VPMAXSD(none, f, f)
	VPMINSD(high, f, f)
	VROUNDPS(operand.Imm(8), f, f)
	return f
}

// A predicate of a comparison; NaN makes those with not true.
const (
	less         = 0x11
	lessEqual    = 0x12
	greater      = 0x1e
	greaterEqual = 0x1d
	equal        = 0x00
	notLessEqual = 0x06
	notEqual     = 0x04
	notGreatEq   = 0x09
)

func compare(predicate uint64, a, b Op) Reg {
	out := YMM()
	VCMPPS(operand.Imm(predicate), b, a, out)
	return out
}

// choose is yes where mask is set and no elsewhere.
func choose(mask Reg, yes Op, no Reg) Reg {
	out := YMM()
	VBLENDVPS(mask, yes, no, out)
	return out
}

func load(from Mem) Reg {
	out := YMM()
	VMOVUPS(from, out)
	return out
}

func store(to Mem, v Reg) { VMOVUPS(v, to) }

func zero() Reg {
	out := YMM()
	VXORPS(out, out, out)
	return out
}

func broadcast(from Mem) Reg {
	out := YMM()
	VBROADCASTSS(from, out)
	return out
}

// anySet jumps to label unless some mask has a bit.
func jumpUnlessAny(masks []Reg, label string) {
	all := masks[0]
	for _, m := range masks[1:] {
		all = or(all, m)
	}
	VTESTPS(all, all)
	JZ(operand.LabelRef(label))
}

// constants holds the data section by name, so that functions share it.
var constants = map[string]Mem{}

// words is a vector of the data section.
func words(name string, values ...uint32) Mem {
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, RODATA|NOPTR)
		for i, v := range values {
			DATA(4*i, operand.U32(v))
		}
		constants[name] = m
	}
	return m
}

// bits is a vector of one value, by its bits.
func bits(b uint32) Mem { return words(fmt.Sprintf("all_%08x", b), b, b, b, b, b, b, b, b) }

func constant(f float32) Mem { return bits(math.Float32bits(f)) }

const (
	signBit   = 0x80000000
	magnitude = 0x7fffffff
)
