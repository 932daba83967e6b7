// Package block has the kernels for AVX2 that work on whole blocks or rows, and
// those that look through codebooks.
package block

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// BlocksNEON is Blocks for arm64, and what stands beside them.
func BlocksNEON() {
	ISA = NEON
	Blocks()
	GreatestBits()
}

// Blocks emits functions that write whole blocks.
func Blocks() {
	equalSteps()
	tq1_0()
	q2_0()
	fourBitFloats("mxfp4"+ISA, 32)
	fourBitFloats("nvfp4"+ISA, 16)
	tq2_0()
	signBits()
	magnitudes("magnitudes16"+ISA, 16)
	magnitudes("magnitudes32"+ISA, 32)
	nonLinearLevels()
}

// A blockLoop steps through blocks.
type blockLoop struct {
	dst, src, left reg.GPVirtual
	again          reg.GPVirtual // blocks until it is tried again to take several at a time; nil: never
}

// beginBlocks starts a function that returns how many blocks it did before
// the first one that is not for it: that one jumps to "done".
func beginBlocks(name, doc string) blockLoop {
	b := beginFunction(name, doc)
	Mark("block")
	return b
}

func beginFunction(name, doc string) blockLoop {
	Begin(name, "func(dst *byte, src *float32, blocks int) int", name+" "+doc)
	return blockLoop{dst: Argument("dst"), src: Argument("src"), left: Argument("blocks")}
}

// end closes the loop over blocks of n values that become size bytes.
func (b blockLoop) end(n, size int) {
	Advance(b.src, 4*n)
	Advance(b.dst, size)
	if b.again == nil {
		CountDown(b.left, "block")
	} else {
		Advance(b.left, -1)
		JumpIfZero(b.left, "done")
		CountDown(b.again, "block")
		Jump("lanes")
	}
	Mark("done")
	done := Argument("blocks")
	Subtract(done, b.left)
	GiveInt(done)
	End()
}

// values loads n values from the given one on.
func (b blockLoop) values(first, n int) (v []Reg) {
	for at := 0; at < 4*n; at += Width() {
		v = append(v, LoadV(Mem{Base: b.src, Disp: 4*first + at}))
	}
	return v
}

// to is a place in the block.
func (b blockLoop) to(at int) Mem { return Mem{Base: b.dst, Disp: at} }

// greatestMagnitude is that of the n values of the block, in all lanes.
func (b blockLoop) greatestMagnitude(n int) Reg {
	v := b.magnitudes(0)
	for first := 32; first < n; first += 32 {
		for i, x := range b.magnitudes(first) {
			v[i] = MagnitudesMost(v[i], x)
		}
	}
	return MostMagnitude(v)
}

// magnitudes are those of 32 values.
func (b blockLoop) magnitudes(first int) []Reg {
	mask, v := LoadV(Bits(Magnitude)), b.values(first, 32)
	for i := range v {
		v[i] = And(mask, v[i])
	}
	return v
}

// Scales between these powers of two have inverses that are neither infinite
// nor subnormal.
const (
	leastScale    = (127 - 100) << 23
	greatestScale = (127 + 100) << 23
)

// leaveUnlessOrdinary jumps to "done" if a float that is not negative is out
// of bounds. Such floats compare like their bits.
func leaveUnlessOrdinary(x Reg) { JumpUnlessWithin(x, leastScale, greatestScale, "done") }

// compare is Compare as a vector, which it is for AVX2.
func compare(predicate uint64, a, b Op) Reg { return Compare(predicate, a, b).(Reg) }

// putHalf stores a float16.
func (b blockLoop) putHalf(at int, f Reg) { StoreHalf(b.to(at), f) }

// reciprocal is 1/v.
func reciprocal(v Reg) Reg { return Div(LoadV(Constant(1)), v) }

const untilUnusual = "writes blocks until one has an unusual scale, and returns how many."
