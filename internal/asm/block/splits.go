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
)

// Splits emits the order of values, and the search for splits whose score
// reaches a bar. Lanes are the second ends.
func Splits() {
	ranks("ranks16AVX2", 16)
	ranks("ranks32AVX2", 32)
	setSplits()
	TEXT("scanSplitsAVX2", NOSPLIT, "func(s *float32, n int, bar float32) float32")
	Doc("scanSplitsAVX2 reports the splits that reach the bar; see Splits.Scan.")
	Pragma("noescape")
	s := Load(Param("s"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	p, _ := Param("bar").Resolve()
	bar := Broadcast(p.Addr)
	i := GP64()
	XORQ(i, i)

	Label("begin")
	x, w := [2]Reg{}, [2]Reg{}
	end := Broadcast(Mem{Base: s, Index: i, Scale: 4, Disp: splitEndX})
	for c := range 2 {
		x[c] = Sub(Broadcast(Mem{Base: s, Disp: splitX + 4*c}), end)
		w[c] = Broadcast(Mem{Base: s, Index: i, Scale: 4, Disp: splitBegin + splitRow*c})
	}
	first := YMM()
	VMOVD(i.As32(), first.AsX())
	VPBROADCASTD(first.AsX(), first)
	near, k := GP64(), GP64()
	XORQ(near, near)
	MOVQ(i, k)
	ANDQ(operand.I32(-8), k)

	Label("ends")
	e := LoadV(Mem{Base: s, Index: k, Scale: 4, Disp: splitEndX})
	var square, weight, more [2]Reg
	for c := range 2 {
		lx := Sub(x[c], e)
		square[c] = Mul(lx, lx)
		weight[c] = Add(w[c], Mem{Base: s, Index: k, Scale: 4, Disp: splitEndW + splitRow*c})
		more[c] = compare(Less, Mul(bar, weight[c]), square[c])
	}
	any := YMM()
	VORPS(more[0], more[1], any)
	VTESTPS(any, any)
	JZ(operand.LabelRef("next"))

	number, early := YMM(), YMM()
	VMOVD(k.As32(), number.AsX())
	VPBROADCASTD(number.AsX(), number)
	VPADDD(Words("iota", 0, 1, 2, 3, 4, 5, 6, 7), number, number)
	VPCMPGTD(number, first, early) // a split that ends before it begins
	VANDNPS(any, early, any)
	set := GP64()
	VMOVMSKPS(any, set.As32())
	TESTQ(set, set)
	JZ(operand.LabelRef("next"))
	MOVQ(k, reg.RCX)
	SHLQ(reg.CL, set)
	ORQ(set, near)
	// The bar rises to slightly below the best of these.
	best := Zero()
	for c := range 2 {
		score := Div(square[c], weight[c])
		VANDPS(more[c], score, score)
		VANDNPS(score, early, score)
		VMAXPS(score, best, best)
	}
	best = Mul(best, Constant(1-1./1024))
	swapped := YMM()
	VPERM2F128(operand.Imm(1), best, best, swapped)
	VMAXPS(swapped, best, best)
	for _, order := range []uint64{0x4e, 0xb1} {
		VPERMILPS(operand.Imm(order), best, swapped)
		VMAXPS(swapped, best, best)
	}
	VMAXPS(best, bar, bar)

	Label("next")
	ADDQ(operand.Imm(8), k)
	CMPQ(k, n)
	JLE(operand.LabelRef("ends"))
	MOVQ(near, Mem{Base: s, Index: i, Scale: 8, Disp: splitNear})
	INCQ(i)
	CMPQ(i, n)
	JLE(operand.LabelRef("begin"))
	Store(bar.AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}
