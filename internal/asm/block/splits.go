package block

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// The layout of kernel.Splits: rows of 40 floats.
const (
	splitRow   = 160
	splitX     = 0
	splitBegin = 32
	splitEndX  = splitBegin + 2*splitRow
	splitEndW  = splitEndX + splitRow
	splitNear  = splitEndW + 2*splitRow
	splitLast  = splitNear + 4*32
	splitBarB  = splitLast + 16
	splitBarW  = splitBarB + 2*splitRow
)

// Splits emits the order of values, and the search for splits whose score
// reaches a bar. Lanes are the second ends.
func Splits() {
	ranks()
	setSplits()
	scanSplits()
	countBelow()
}

// SplitsNEON emits them for arm64.
func SplitsNEON() {
	ISA = NEON
	Splits()
}

// A splitScan is a scan that is being emitted.
type splitScan struct {
	s   reg.GPVirtual
	all [2]Reg // X of both choices
}

// splitLen is the number of values that are split.
const splitLen = 32

// scanSplits emits the scan for splits. A split reaches the bar where
//
//	lx² - bar·EndW > bar·Begin
//
// There are no branches to mispredict. Splits whose second end is the last are a
// column for itself, whose lanes are the first ends.
func scanSplits() {
	name := "scanSplits" + ISA
	Begin(name, "func(s *float32, bar float32) uint64", name+" reports the splits that reach the bar; see Splits.Scan.")
	f := splitScan{s: Argument("s")}
	bar := Everywhere("bar")
	for at := 0; at < splitRow; at += Width() {
		for c := range 2 {
			row := splitRow*c + at
			StoreV(f.at(splitBarB+row), Mul(bar, f.at(splitBegin+row)))
			StoreV(f.at(splitBarW+row), Mul(bar, f.at(splitEndW+row)))
		}
	}
	for c := range f.all {
		f.all[c] = Broadcast(f.at(splitX + 4*c))
	}
	i := General()
	SetTo(i, 0)
	for from := 0; from < splitLen; from += lanes {
		f.rows(i, from)
	}
	f.report(f.column())
}

func (f *splitScan) at(disp int) Mem { return Mem{Base: f.s, Disp: disp} }

// some emits where either choice reaches the bar, from what remains of X, for eight ends.
func (f *splitScan) some(x [2]Reg, end int, weight func(c int) int, bar [2]Reg) (any []Mask) {
	for at := 0; at < OctetBytes; at += Width() {
		var more [2]Mask
		for c := range x {
			lx := Sub(x[c], f.at(end+at))
			more[c] = Compare(Greater, SquareLess(lx, f.at(weight(c)+at)), bar[c])
		}
		any = append(any, Either(more[0], more[1]))
	}
	return any
}

// rows emits the rows of eight first ends.
func (f *splitScan) rows(i reg.GPVirtual, from int) {
	name := fmt.Sprintf("rows%d", from/lanes)
	Mark(name)
	row := func(disp int) Mem { return Mem{Base: f.s, Index: i, Scale: 4, Disp: disp} }
	first := Broadcast(row(splitEndX))
	var x, begin [2]Reg
	for c := range x {
		x[c] = Sub(f.all[c], first)
		begin[c] = Broadcast(row(splitBarB + splitRow*c))
	}
	var near [splitLen / lanes][]Mask
	for k := from; k < splitLen; k += lanes {
		near[k/lanes] = f.some(x, splitEndX+4*k, func(c int) int { return splitBarW + splitRow*c + 4*k }, begin)
	}
	StoreWord(row(splitNear), SetOf32(near))
	Advance(i, 1)
	JumpUnlessMore(i, from+lanes-1, name)
}

// column emits the set of first ends of splits whose second end is the last.
func (f *splitScan) column() reg.GPVirtual {
	end := Broadcast(f.at(splitEndX + 4*splitLen))
	var x, last [2]Reg
	for c := range x {
		x[c] = Sub(f.all[c], end)
		last[c] = Broadcast(f.at(splitBarW + splitRow*c + 4*splitLen))
	}
	sets := General()
	SetTo(sets, 1) // there is one end more than values
	for i := splitLen; i >= 0; i -= lanes {
		set := OctetBits(f.some(x, splitEndX+4*i, func(c int) int { return splitBarB + splitRow*c + 4*i }, last))
		if i == splitLen {
			AndBits(sets, set)
		} else {
			Times(sets, lanes)
			Merge(sets, set, 0)
		}
	}
	StoreInteger(f.at(splitLast), sets)
	return sets
}

// report emits the set of first ends that have any split that reaches the bar.
func (f *splitScan) report(rows reg.GPVirtual) {
	all, none := General(), Zero()
	SetTo(all, 1<<lanes-1)
	for i := 0; i < splitLen; i += lanes {
		var without []Mask
		for _, near := range Parts(f.at(splitNear + 4*i)) {
			without = append(without, EqualInt(none, near))
		}
		set := OctetBits(without)
		XorInto(set, all)
		Merge(rows, set, i)
	}
	GiveInt(rows)
	End()
}

// countBelow emits how many of some sorted values are below two limits.
func countBelow() {
	name := "countBelow" + ISA
	Begin(name, "func(x *float32, low, high float32) (i, k int)", name+" counts values below two limits; see CountBelow.")
	x := Argument("x")
	low, high := Everywhere("low"), Everywhere("high")
	var below [2][]Mask
	for at := 0; at < 4*splitLen; at += Width() {
		v := LoadV(Mem{Base: x, Disp: at})
		below[0] = append(below[0], Compare(Less, v, low))
		below[1] = append(below[1], Compare(Less, v, high))
	}
	GiveIntAs("i", CountOf(below[0]))
	GiveIntAs("k", CountOf(below[1]))
	End()
}
