// Command _gen writes the amd64 assembly of package kernel:
//
//	go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel
//
// It lives in a module of its own, so that users of the program never
// download the generator's dependencies.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("!noasm")
	searches()
	Generate()
}

func searches() {
	for _, isa := range []string{"AVX2", "AVX512"} {
		wide = isa == "AVX512"
		weigh("weighSquares"+isa, squares)
		weigh("weighMagnitudes"+isa, magnitudes)
		weigh("weighSpread"+isa, spread)
		weigh("weighGiven"+isa, given)
		searchScale("searchScale" + isa)
		searchPositive("searchPositive" + isa)
		descend("descend" + isa)
	}
	wide = true
	searchMin("searchMinAVX512", 1, false)
	searchMin("searchMinAbsoluteAVX512", 1, true)
	wide = false
	for parts := 1; parts <= 2; parts++ {
		searchMin(fmt.Sprintf("searchMin%dAVX2", 16*parts), parts, false)
		searchMin(fmt.Sprintf("searchMinAbsolute%dAVX2", 16*parts), parts, true)
	}
	loadTile()
	round("divideAVX2", nearestBy(func(a, b Op) Reg { return div(a, b) }))
	round("multiplyAVX2", nearestBy(func(a, b Op) Reg { return mul(a, b) }))
	round("halfUpAVX2", halfUp)
	round("awayAVX2", away)
	extremes()
	bounds()
}
