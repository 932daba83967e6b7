package block

import (
	. "github.com/mmcloughlin/avo/build"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// ranks emits the rank of each of 32 values: how many are less, or equal and
// before it.
func ranks(name string) {
	TEXT(name, NOSPLIT, "func(ranks *uint32, x *float32)")
	Doc(name + " finds the ranks of values; see Order.")
	Pragma("noescape")
	to, x := Argument("ranks"), Argument("x")
	numbers := LoadV(Words("iota8", 0, 1, 2, 3, 4, 5, 6, 7))
	for first := 0; first < splitLen; first += 8 {
		v, rank := LoadV(Mem{Base: x, Disp: 4 * first}), Zero()
		for j := range splitLen {
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

// setSplits emits the tables of splits from sums below ends: a row of x, then one of w.
func setSplits() {
	TEXT("setSplitsAVX2", NOSPLIT, "func(splits, ends, factors *float32)")
	Doc("setSplitsAVX2 fills the tables of ends; see Splits.Set.")
	Pragma("noescape")
	s, ends, factors := Argument("splits"), Argument("ends"), Argument("factors")
	var factor [6]Reg
	for i := range factor {
		factor[i] = Broadcast(Mem{Base: factors, Disp: 4 * i})
	}
	for at := 0; at < splitRow; at += 32 {
		StoreV(Mem{Base: s, Disp: splitEndX + at}, LoadV(Mem{Base: ends, Disp: at}))
		w := LoadV(Mem{Base: ends, Disp: splitRow + at})
		for c := range 2 {
			StoreV(Mem{Base: s, Disp: splitBegin + splitRow*c + at}, Add(Mul(w, factor[c]), factor[4+c]))
			StoreV(Mem{Base: s, Disp: splitEndW + splitRow*c + at}, Mul(w, factor[2+c]))
		}
	}
	VZEROUPPER()
	RET()
}
