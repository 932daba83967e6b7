// Command blocks writes the amd64 assembly of packages kernel and dtype that
// makes whole blocks and rows; the first argument names the part:
//
//	go run ./blocks blocks -out ../blocks_amd64.s -stubs ../blocks_stubs_amd64.go -pkg kernel
//	go run ./blocks greatest -out ../greatest_amd64.s -stubs ../greatest_stubs_amd64.go -pkg kernel
//	go run ./blocks lines -out ../lines_amd64.s -stubs ../lines_stubs_amd64.go -pkg kernel
//	go run ./blocks near -out ../near_amd64.s -stubs ../near_stubs_amd64.go -pkg kernel
//	go run ./blocks rows -out ../../../formats/dtype/rows_amd64.s -stubs ../../../formats/dtype/rows_stubs_amd64.go -pkg dtype
//	go run ./blocks splits -out ../splits_amd64.s -stubs ../splits_stubs_amd64.go -pkg kernel
package main

import (
	"fmt"
	"os"
	"slices"

	. "github.com/mmcloughlin/avo/build"
)

var parts = map[string]func(){
	"blocks":   blocks,
	"greatest": greatestBits,
	"lines":    lines,
	"near":     nears,
	"rows":     rows,
	"splits":   splits,
}

func main() {
	if len(os.Args) < 2 || parts[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "blocks: name a part: blocks, greatest, lines, near, rows or splits")
		os.Exit(2)
	}
	emit := parts[os.Args[1]]
	os.Args = slices.Delete(os.Args, 1, 2)
	ConstraintExpr("!noasm")
	emit()
	Generate()
}
