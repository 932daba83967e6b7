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
	for _, rows := range []int{6, 4, 2, 1} {
		gemmAVX2(rows)
	}
	for _, rows := range []int{12, 6, 4, 2, 1} {
		gemmAVX512(rows)
	}
	transpose8()
	exponential()
	swiglu()
	maximum()
	addSquares()
	decoders()
	Generate()
}
