// Command asm writes the assembly of mq and the Go declarations for it:
//
//	go run . PART
//
// The packages that the files belong to have a go:generate line for each part.
// It is a module of its own, so that users of the program never download the
// generator's dependencies.
package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"

	"github.com/f190792d/mq/internal/asm/block"
	"github.com/f190792d/mq/internal/asm/forward"
	"github.com/f190792d/mq/internal/asm/search"
	"github.com/f190792d/mq/internal/asm/vec"
)

// A part is one file of assembly and one of declarations.
type part struct {
	dir, file, stubs string // the files without what follows the processor's name
	emit             func()
	lanes            int // of the widest vectors
}

const (
	quantizeKernel = "../../quantize/kernel"
	evalKernel     = "../../eval/kernel"
	formatsDtype   = "../../formats/dtype"
)

var parts = map[string]part{
	"searches":      {quantizeKernel, "kernel_amd64", "stubs_amd64", search.ForAMD64, 16},
	"searches-neon": {quantizeKernel, "kernel_arm64", "stubs_arm64", search.ForNEON, 4},
	"blocks":        {quantizeKernel, "blocks_amd64", "blocks_stubs_amd64", block.Blocks, 8},
	"blocks-neon":   {quantizeKernel, "blocks_arm64", "blocks_stubs_arm64", block.BlocksNEON, 4},
	"greatest":      {quantizeKernel, "greatest_amd64", "greatest_stubs_amd64", block.GreatestBits, 8},
	"grids":         {quantizeKernel, "grids_amd64", "grids_stubs_amd64", block.Grids, 8},
	"grids-neon":    {quantizeKernel, "grids_arm64", "grids_stubs_arm64", block.GridsNEON, 4},
	"near":          {quantizeKernel, "near_amd64", "near_stubs_amd64", block.NearCodes, 8},
	"near-neon":     {quantizeKernel, "near_arm64", "near_stubs_arm64", block.NearNEON, 4},
	"prepares":      {quantizeKernel, "prepares_amd64", "prepares_stubs_amd64", block.Prepares, 8},
	"prepares-neon": {quantizeKernel, "prepares_arm64", "prepares_stubs_arm64", block.PreparesNEON, 4},
	"rows":          {formatsDtype, "rows_amd64", "rows_stubs_amd64", block.Rows, 8},
	"rows-neon":     {formatsDtype, "rows_arm64", "rows_stubs_arm64", block.RowsNEON, 4},
	"forward":       {evalKernel, "kernel_amd64", "stubs_amd64", forward.Kernels, 8},
	"forward-neon":  {evalKernel, "kernel_arm64", "stubs_arm64", forward.ForNEON, 4},
}

func main() {
	log.SetFlags(0)
	var p part
	if len(os.Args) == 2 {
		p = parts[os.Args[1]]
	}
	if p.emit == nil {
		log.Fatalf("asm: name one part: %s", strings.Join(slices.Sorted(maps.Keys(parts)), " "))
	}
	vec.DataLanes = p.lanes
	assembly, stubs := p.dir+"/"+p.file+".s", p.dir+"/"+p.stubs+".go"
	pkg := p.dir[strings.LastIndex(p.dir, "/")+1:]
	if strings.HasSuffix(p.file, "arm64") {
		p.emit()
		text, declarations := vec.ArmFile(pkg)
		write(assembly, text)
		write(stubs, declarations)
		return
	}
	build.ConstraintExpr("!noasm")
	p.emit()
	if err := flag.CommandLine.Parse([]string{"-out", assembly, "-stubs", stubs, "-pkg", pkg}); err != nil {
		log.Fatal(err)
	}
	build.Generate()
}

func write(file, text string) {
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		log.Fatal(fmt.Errorf("asm: %w", err))
	}
}
