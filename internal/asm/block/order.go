package block

import (
	. "github.com/mmcloughlin/avo/build"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// ranks emits the rank of each of n values: how many are less, or equal and
// before it.
func ranks(name string, n int) {
	TEXT(name, NOSPLIT, "func(ranks *uint32, x *float32)")
	Doc(name + " finds the ranks of values; see Order.")
	Pragma("noescape")
	to, x := pointer("ranks"), pointer("x")
	numbers := LoadV(Words("iota8", 0, 1, 2, 3, 4, 5, 6, 7))
	for first := 0; first < n; first += 8 {
		v, rank := LoadV(Mem{Base: x, Disp: 4 * first}), Zero()
		for j := range n {
			other := Broadcast(Mem{Base: x, Disp: 4 * j})
			switch {
			case j < first:
				VPSUBD(compare(LessEqual, other, v), rank, rank)
			case j >= first+8:
				VPSUBD(compare(Less, other, v), rank, rank)
			default:
				before := YMM() // lanes that it is before
				VPCMPGTD(Bits(uint32(j-first)), numbers, before)
				VPAND(compare(Equal, other, v), before, before)
				VPOR(compare(Less, other, v), before, before)
				VPSUBD(before, rank, rank)
			}
		}
		StoreV(Mem{Base: to, Disp: 4 * first}, rank)
	}
	VZEROUPPER()
	RET()
}

// The layout of kernel.Ends: x of both halves, then w.
const (
	endsX = 0
	endsW = 2 * splitRow
)

// setSplits emits the tables of splits from sums below ends.
func setSplits() {
	TEXT("setSplitsAVX2", NOSPLIT, "func(splits, ends, factors *float32)")
	Doc("setSplitsAVX2 fills the tables of ends; see Splits.Set.")
	Pragma("noescape")
	s, ends, factors := pointer("splits"), pointer("ends"), pointer("factors")
	factor := func(i int) Reg { return Broadcast(Mem{Base: factors, Disp: 4 * i}) }
	begin, end := [3]Reg{factor(0), factor(1), factor(2)}, [3]Reg{factor(3), factor(4), factor(5)}
	base := [2]Reg{factor(6), factor(7)}
	for at := 0; at < splitRow; at += 32 {
		x := Add(LoadV(Mem{Base: ends, Disp: endsX + at}), Mem{Base: ends, Disp: endsX + splitRow + at})
		StoreV(Mem{Base: s, Disp: splitEndX + at}, x)
		w0, w1 := LoadV(Mem{Base: ends, Disp: endsW + at}), LoadV(Mem{Base: ends, Disp: endsW + splitRow + at})
		below, above := Mul(w0, begin[0]), Mul(w0, end[0])
		for c := range 2 {
			StoreV(Mem{Base: s, Disp: splitBegin + splitRow*c + at}, Add(Add(below, Mul(w1, begin[1+c])), base[c]))
			StoreV(Mem{Base: s, Disp: splitEndW + splitRow*c + at}, Add(above, Mul(w1, end[1+c])))
		}
	}
	VZEROUPPER()
	RET()
}
