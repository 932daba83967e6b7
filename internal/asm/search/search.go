// Package search has the searches for scales: groups of values lie side by side
// in the lanes of vectors, each in the order of a scalar program.
package search

import (
	"fmt"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// ForAMD64 emits the kernels for AVX2 and for AVX-512.
func ForAMD64() {
	for _, ISA = range []string{AVX2, AVX512} {
		inLanes()
	}
	for _, ISA = range []string{AVX2, AVX512} {
		ternary()
		searchNonLinear("searchNonLinear" + ISA)
	}
	ISA = AVX512
	searchMin("searchMinAVX512", 1, false)
	searchMin("searchMinAbsoluteAVX512", 1, true)
	roundWide("divideAVX512", Div)
	roundWide("multiplyAVX512", Mul)
	ISA = AVX2
	for parts := 1; parts <= 2; parts++ {
		searchMin(fmt.Sprintf("searchMin%dAVX2", 16*parts), parts, false)
		searchMin(fmt.Sprintf("searchMinAbsolute%dAVX2", 16*parts), parts, true)
	}
	runs()
}

// ForNEON emits what arm64 has of these.
func ForNEON() {
	ISA = NEON
	inLanes()
	searchMin("searchMinNEON", 1, false)
	searchMin("searchMinAbsoluteNEON", 1, true)
	searchNonLinear("searchNonLinearNEON")
	ternary()
	runs()
}

// runs emits what loads, rounds and bounds groups.
func runs() {
	loadTile("load" + ISA)
	round("divide"+ISA, nearestBy(func(a, b Op) Reg { return Div(a, b) }))
	round("multiply"+ISA, nearestBy(func(a, b Op) Reg { return Mul(a, b) }))
	round("halfUp"+ISA, halfUp)
	round("away"+ISA, away)
	extremes("extremes16"+ISA, 16)
	extremes("extremes32"+ISA, 32)
	bounds("bounds" + ISA)
	packs()
}

// inLanes emits the searches that differ by instruction set alone.
func inLanes() {
	weigh("weighSquares"+ISA, squares)
	weigh("weighMagnitudes"+ISA, magnitudes)
	weigh("weighSpread"+ISA, spread)
	weigh("weighGiven"+ISA, given)
	searchScale("searchScale" + ISA)
	searchPositive("searchPositive" + ISA)
	descend("descend" + ISA)
	settle("settle" + ISA)
}
