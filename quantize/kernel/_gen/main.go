// Command _gen writes the searches of package kernel in assembly, for amd64 and
// for arm64:
//
//	go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel
//	go run . neon
//
// It lives in a module of its own, so that users of the program never
// download the generator's dependencies.
package main

import (
	"fmt"
	"log"
	"os"
	"slices"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	if slices.Equal(os.Args[1:], []string{"neon"}) {
		neonSearches("../kernel_arm64.s", "../stubs_arm64.go")
		return
	}
	ConstraintExpr("!noasm")
	searches()
	Generate()
}

func searches() {
	for _, isa = range []string{avx2, avx512} {
		inLanes()
	}
	isa = avx512
	searchMin("searchMinAVX512", 1, false)
	searchMin("searchMinAbsoluteAVX512", 1, true)
	roundWide("divideAVX512", div)
	roundWide("multiplyAVX512", mul)
	isa = avx2
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

// neonSearches writes what arm64 has of these.
func neonSearches(assembly, stubs string) {
	isa = neon
	inLanes()
	searchMin("searchMinNEON", 1, false)
	searchMin("searchMinAbsoluteNEON", 1, true)
	text, declarations := armFile()
	for file, content := range map[string]string{assembly: text, stubs: declarations} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// inLanes emits the searches that differ by instruction set alone.
func inLanes() {
	weigh("weighSquares"+isa, squares)
	weigh("weighMagnitudes"+isa, magnitudes)
	weigh("weighSpread"+isa, spread)
	weigh("weighGiven"+isa, given)
	searchScale("searchScale" + isa)
	searchPositive("searchPositive" + isa)
	descend("descend" + isa)
}
