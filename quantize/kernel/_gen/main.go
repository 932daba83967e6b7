// Command _gen writes the amd64 assembly of package kernel:
//
//	go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel
//
// It lives in a module of its own, so that users of the program never
// download the generator's dependencies.
package main

import . "github.com/mmcloughlin/avo/build"

func main() {
	ConstraintExpr("!noasm")
	loadTile()
	weigh("weighSquaresAVX2", squares)
	weigh("weighMagnitudesAVX2", magnitudes)
	weigh("weighSpreadAVX2", spread)
	weigh("weighGivenAVX2", given)
	searchMin("searchMinAVX2", false)
	searchMin("searchMinAbsoluteAVX2", true)
	searchScale()
	searchPositive()
	descend()
	round("divideAVX2", nearestBy(func(a, b Op) Reg { return div(a, b) }))
	round("multiplyAVX2", nearestBy(func(a, b Op) Reg { return mul(a, b) }))
	round("halfUpAVX2", halfUp)
	round("awayAVX2", away)
	extremes()
	bounds()
	Generate()
}
