package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// nearest emits the level of f as kernel.Nearest has it, whatever f is, held
// within two integers.
func nearest(f, low, high Op) Reg {
	t := YMM()
	VADDPS(constant(12582912), f, t)
	VPAND(bits(0x7fffff), t, t)
	VPSUBD(bits(0x400000), t, t)
	VPMAXSD(low, t, t)
	VPMINSD(high, t, t)
	return t
}

// The memory of coordinate descent.
const (
	slotSumLX = iota
	slotSumLL
	slotLowest
	slotHighest
	slotExtreme
	slotMoved
)

// descend emits coordinate descent in all 32 lanes: each step waits for a
// division, so the more lanes side by side the better.
func descend() {
	TEXT("descendAVX2", NOSPLIT, "func(x *float32, n int, nmax float32)")
	Doc("descendAVX2 descends in 32 lanes of n values, a multiple of 4; see Scratch.Descend.")
	Pragma("noescape")
	w := newWalk(4)
	nmax, _ := Param("nmax").Resolve()
	most := broadcast(nmax.Addr)
	{
		lowest, highest := YMM(), YMM()
		VCVTPS2DQ(xor(most, bits(signBit)), lowest)
		VCVTPS2DQ(sub(most, constant(1)), highest)
		store(w.state(slotLowest, 0), lowest)
		store(w.state(slotHighest, 0), highest)
	}
	low, high := w.state(slotLowest, 0), w.state(slotHighest, 0)
	inverse := w.extreme()
	for v, top := range inverse {
		store(w.state(slotExtreme, v), top)
		inverse[v] = div(xor(most, bits(signBit)), top)
	}
	sumLX, sumLL := w.zeros(), w.zeros()
	w.each("first", 0, 1, func(v int, x, weight, level Mem) {
		value := load(x)
		l := nearest(mul(value, inverse[v]), low, high)
		VCVTDQ2PS(l, l)
		store(level, l)
		square := mul(value, value)
		store(weight, square)
		accumulate(sumLX[v], mul(mul(square, value), l))
		accumulate(sumLL[v], mul(mul(square, l), l))
	})

	left := GP64()
	MOVQ(operand.U32(5), left)
	Label("sweep")
	store(w.state(slotMoved, 0), zero())
	step := 0
	w.each("step", 0, 1, func(v int, x, weight, level Mem) {
		cube := mul(load(weight), x)
		lx := sub(sumLX[v], mul(cube, level))
		ll := sub(sumLL[v], mul(mul(load(weight), level), level))
		l := nearest(div(mul(ll, x), lx), low, high)
		VCVTDQ2PS(l, l)
		may := and(compare(greater, lx, constant(0)), compare(notEqual, l, level))
		label := fmt.Sprint("stay", step)
		step++
		jumpUnlessAny([]Reg{may}, label)
		accumulate(lx, mul(cube, l))
		accumulate(ll, mul(mul(l, weight), l))
		more := compare(greater, mul(mul(lx, lx), sumLL[v]), mul(mul(sumLX[v], sumLX[v]), ll))
		move := and(and(may, compare(greater, ll, constant(0))), more)
		store(level, choose(move, l, load(level)))
		VBLENDVPS(move, lx, sumLX[v], sumLX[v])
		VBLENDVPS(move, ll, sumLL[v], sumLL[v])
		store(w.state(slotMoved, 0), or(move, w.state(slotMoved, 0)))
		Label(label)
	})
	DECQ(left)
	JZ(operand.LabelRef("done"))
	jumpUnlessAny([]Reg{load(w.state(slotMoved, 0))}, "done")
	JMP(operand.LabelRef("sweep"))

	Label("done")
	none := zero()
	for v := range w.vectors {
		scale := and(compare(greater, sumLL[v], none), div(sumLX[v], sumLL[v]))
		size := and(load(bits(magnitude)), w.state(slotExtreme, v))
		empty := compare(less, size, constant(negligible))
		store(w.field(fieldScale, v), andNot(empty, scale))
		store(w.state(slotExtreme, v), empty)
	}
	lowest := YMM()
	VCVTDQ2PS(low, lowest)
	w.each("levels", 0, 1, func(v int, _, _, level Mem) {
		store(level, choose(load(w.state(slotExtreme, v)), lowest, load(level)))
	})
	VZEROUPPER()
	RET()
}
