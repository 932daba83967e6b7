package block

import (
	. "github.com/f190792d/mq/internal/asm/vec"
)

// ranks emits the rank of each of 32 values: how many are less, or equal and
// before it.
func ranks() {
	name := "ranks" + ISA
	Begin(name, "func(ranks *uint32, x *float32)", name+" finds the ranks of values; see Order.")
	to, x := Argument("ranks"), Argument("x")
	numbers, element := Numbers(), Elements(Mem{Base: x})
	for first := 0; first < splitLen; first += Lanes() {
		v, rank := LoadV(Mem{Base: x, Disp: 4 * first}), Zero()
		for j := range splitLen {
			other := element(j)
			switch {
			case j < first:
				CountMask(rank, Compare(LessEqual, other, v))
			case j >= first+Lanes():
				CountMask(rank, Compare(Less, other, v))
			default:
				before := Both(GreaterInt(numbers, Bits(uint32(j-first))), Compare(Equal, other, v))
				CountMask(rank, Either(Compare(Less, other, v), before))
			}
		}
		StoreV(Mem{Base: to, Disp: 4 * first}, rank)
	}
	End()
}

// setSplits emits the tables of splits from sums below ends: a row of x, then one of w.
func setSplits() {
	name := "setSplits" + ISA
	Begin(name, "func(splits, ends, factors *float32)", name+" fills the tables of ends; see Splits.Set.")
	s, ends, factors := Argument("splits"), Argument("ends"), Argument("factors")
	var factor [6]Reg
	for i := range factor {
		factor[i] = Broadcast(Mem{Base: factors, Disp: 4 * i})
	}
	for at := 0; at < splitRow; at += Width() {
		StoreV(Mem{Base: s, Disp: splitEndX + at}, LoadV(Mem{Base: ends, Disp: at}))
		w := LoadV(Mem{Base: ends, Disp: splitRow + at})
		for c := range 2 {
			StoreV(Mem{Base: s, Disp: splitBegin + splitRow*c + at}, Add(Mul(w, factor[c]), factor[4+c]))
			StoreV(Mem{Base: s, Disp: splitEndW + splitRow*c + at}, Mul(w, factor[2+c]))
		}
	}
	End()
}
