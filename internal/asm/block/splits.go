package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
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
	splitBarB  = splitLast + 8
	splitBarW  = splitBarB + 2*splitRow
)

// Splits emits the order of values, and the search for splits whose score
// reaches a bar. Lanes are the second ends.
func Splits() {
	ranks("ranksAVX2")
	setSplits()
	scanSplits("scanSplitsAVX2")
	countBelow()
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
func scanSplits(name string) {
	TEXT(name, NOSPLIT, "func(s *float32, bar float32) uint64")
	Doc(name + " reports the splits that reach the bar; see Splits.Scan.")
	Pragma("noescape")
	f := splitScan{s: Argument("s")}
	p, _ := Param("bar").Resolve()
	bar := Broadcast(p.Addr)
	for at := 0; at <= 4*splitLen; at += 32 {
		for c := range 2 {
			row := splitRow*c + at
			StoreV(Mem{Base: f.s, Disp: splitBarB + row}, Mul(bar, Mem{Base: f.s, Disp: splitBegin + row}))
			StoreV(Mem{Base: f.s, Disp: splitBarW + row}, Mul(bar, Mem{Base: f.s, Disp: splitEndW + row}))
		}
	}
	for c := range f.all {
		f.all[c] = Broadcast(Mem{Base: f.s, Disp: splitX + 4*c})
	}
	i := GP64()
	XORQ(i, i)
	for from := 0; from < splitLen; from += lanes {
		f.rows(i, from)
	}
	f.report(f.column())
}

// some emits where either choice reaches the bar, from what remains of X.
func (f *splitScan) some(x [2]Reg, end Op, weight func(c int) Mem, bar func(c int) Reg) Reg {
	var any Reg
	for c := range x {
		lx := Sub(x[c], end)
		VFMSUB213PS(weight(c), lx, lx)
		more := compare(Greater, lx, bar(c))
		if any == nil {
			any = more
		} else {
			VORPS(more, any, any)
		}
	}
	return any
}

// rows emits the rows of eight first ends.
func (f *splitScan) rows(i reg.GPVirtual, from int) {
	name := "rows" + string(rune('0'+from/lanes))
	Label(name)
	first := Broadcast(Mem{Base: f.s, Index: i, Scale: 4, Disp: splitEndX})
	var x, begin [2]Reg
	for c := range x {
		x[c] = Sub(f.all[c], first)
		begin[c] = Broadcast(Mem{Base: f.s, Index: i, Scale: 4, Disp: splitBarB + splitRow*c})
	}
	var near [splitLen / lanes]Reg
	for k := from; k < splitLen; k += lanes {
		near[k/lanes] = f.some(x, LoadV(Mem{Base: f.s, Disp: splitEndX + 4*k}),
			func(c int) Mem { return Mem{Base: f.s, Disp: splitBarW + splitRow*c + 4*k} },
			func(c int) Reg { return begin[c] })
	}
	MOVL(setOf(near).As32(), Mem{Base: f.s, Index: i, Scale: 4, Disp: splitNear})
	INCQ(i)
	CMPQ(i, operand.Imm(uint64(from+lanes)))
	JL(operand.LabelRef(name))
}

// setOf emits the bits of four masks, of which some may be missing.
func setOf(masks [4]Reg) reg.GPVirtual {
	for i, m := range masks {
		if m == nil {
			masks[i] = Zero()
		}
	}
	low, high, set := YMM(), YMM(), GP64()
	VPACKSSDW(masks[1], masks[0], low)
	VPACKSSDW(masks[3], masks[2], high)
	VPACKSSWB(high, low, low)
	VPERMD(low, LoadV(Words("firsts", 0, 4, 1, 5, 2, 6, 3, 7)), low)
	VPMOVMSKB(low, set.As32())
	return set
}

// column emits the set of first ends of splits whose second end is the last.
func (f *splitScan) column() reg.GPVirtual {
	end := Broadcast(Mem{Base: f.s, Disp: splitEndX + 4*splitLen})
	var x, last [2]Reg
	for c := range x {
		x[c] = Sub(f.all[c], end)
		last[c] = Broadcast(Mem{Base: f.s, Disp: splitBarW + splitRow*c + 4*splitLen})
	}
	sets := GP64()
	for i := splitLen; i >= 0; i -= lanes {
		set := LaneBits(f.some(x, LoadV(Mem{Base: f.s, Disp: splitEndX + 4*i}),
			func(c int) Mem { return Mem{Base: f.s, Disp: splitBarB + splitRow*c + 4*i} },
			func(c int) Reg { return last[c] })).As64()
		if i == splitLen { // there is one more end
			ANDQ(operand.Imm(1), set)
			MOVQ(set, sets)
		} else {
			SHLQ(operand.Imm(lanes), sets)
			ORQ(set, sets)
		}
	}
	MOVQ(sets, Mem{Base: f.s, Disp: splitLast})
	return sets
}

// report emits the set of first ends that have any split that reaches the bar.
func (f *splitScan) report(rows reg.GPVirtual) {
	for i := 0; i < splitLen; i += lanes {
		none := YMM()
		VPCMPEQD(Mem{Base: f.s, Disp: splitNear + 4*i}, Zero(), none)
		set := LaneBits(none).As64()
		XORQ(operand.Imm(1<<lanes-1), set)
		if i > 0 {
			SHLQ(operand.Imm(uint64(i)), set)
		}
		ORQ(set, rows)
	}
	Store(rows, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// countBelow emits how many of some sorted values are below two limits.
func countBelow() {
	TEXT("countBelowAVX2", NOSPLIT, "func(x *float32, low, high float32) (i, k int)")
	Doc("countBelowAVX2 counts values below two limits; see CountBelow.")
	Pragma("noescape")
	x := Argument("x")
	var limit [2]Reg
	var count [2]reg.GPVirtual
	for c, name := range []string{"low", "high"} {
		p, _ := Param(name).Resolve()
		limit[c], count[c] = Broadcast(p.Addr), GP64()
		XORQ(count[c], count[c])
	}
	for at := 0; at < 4*splitLen; at += 4 * lanes {
		v := LoadV(Mem{Base: x, Disp: at})
		for c := range limit {
			set := LaneBits(Compare(Less, v, limit[c])).As64()
			POPCNTQ(set, set)
			ADDQ(set, count[c])
		}
	}
	Store(count[0], ReturnIndex(0))
	Store(count[1], ReturnIndex(1))
	VZEROUPPER()
	RET()
}
