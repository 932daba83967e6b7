package search

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// The layout of kernel.Scratch. A row of a tile is one position of all lanes.
const (
	row  = 32 * 4
	tile = 32 * row

	fieldX      = 0 * tile
	fieldW      = 1 * tile
	fieldL      = 2 * tile
	fieldMemory = 3 * tile

	fieldScale    = 5*tile + 0*row
	fieldOffset   = 5*tile + 1*row
	fieldInverse  = 5*tile + 2*row
	fieldFrom     = 5*tile + 3*row
	fieldVariance = 5*tile + 4*row
	fieldSum      = 5*tile + 5*row
	fieldState    = 5*tile + 6*row
)

// A walk steps through the positions of a tile.
type walk struct {
	base, at, end reg.GPVirtual
	vectors       int // worked on side by side
	part          int // which of several such runs of vectors
}

// newWalk starts at the pointer x and ends after n positions.
func newWalk(vectors int) walk {
	w := walk{Argument("x"), GP64(), Argument("n"), vectors, 0}
	Scaled(w.end, w.base, 7)
	return w
}

// side is the number of vectors that keep the units busy and that the
// registers have room for.
func side() int { return max(2, 64/Width()) }

// parts are walks over successive runs of vectors.
func (w walk) parts(n int) []walk {
	out := make([]walk, n)
	for p := range out {
		out[p] = w
		out[p].part = p
	}
	return out
}

// lane is where the bytes of vector v are among those of a row.
func (w walk) lane(v int) int { return (w.part*w.vectors + v) * Width() }

// label makes a name the part's own.
func (w walk) label(name string) string { return fmt.Sprintf("%s%d", name, w.part) }

// each emits the body for every vector of every position from first on. A
// turn of the loop takes several positions; n - first is a multiple of it.
func (w walk) each(name string, first, unroll int, body func(v int, x, weight, level Mem)) {
	name = w.label(name)
	Point(w.at, w.base, first*row)
	Mark(name)
	for u := range unroll {
		for v := range w.vectors {
			at := func(field int) Mem { return Mem{Base: w.at, Disp: field + u*row + w.lane(v)} }
			body(v, at(fieldX), at(fieldW), at(fieldL))
		}
	}
	Advance(w.at, unroll*row)
	JumpIfBelow(w.at, w.end, name)
}

// field is the vector v of a field of Each.
func (w walk) field(field, v int) Mem { return Mem{Base: w.base, Disp: field + w.lane(v)} }

// state is the vector v of a slot of the search's memory.
func (w walk) state(slot, v int) Mem { return w.field(fieldState+slot*row, v) }

// registers makes one register for each vector.
func (w walk) registers(fresh func(v int) Reg) []Reg {
	out := make([]Reg, w.vectors)
	for v := range out {
		out[v] = fresh(v)
	}
	return out
}

// zeros makes a register with 0 for each vector.
func (w walk) zeros() []Reg { return w.registers(func(int) Reg { return Zero() }) }

// masks makes one mask for each vector.
func (w walk) masks(fresh func(v int) Mask) []Mask {
	out := make([]Mask, w.vectors)
	for v := range out {
		out[v] = fresh(v)
	}
	return out
}
