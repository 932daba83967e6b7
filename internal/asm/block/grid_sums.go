package block

import (
	. "github.com/f190792d/mq/internal/asm/vec"
)

// sums emits Σw·l·x and Σw·l² of the codes of groups, tries in the lanes of so
// many octets.
func (l grid) sums(name string, octets int) {
	Begin(name, "func(x, w *float32, codes *uint32, groups, blocks int, sums *float32)",
		name+" adds the terms of codes in the order of positions; see Grid.Sum.")
	x, w, codes, left := Argument("x"), Argument("w"), Argument("codes"), General()
	blocks, to := Argument("blocks"), Argument("sums")
	odds := l.odds()
	Mark("block")
	Move64(left, Argument("groups"))
	lx, ll := make([]Octet, octets), make([]Octet, octets)
	for v := range octets {
		lx[v], ll[v] = OctetOf(Zero), OctetOf(Zero)
	}
	Mark("group")
	next := make([]func() Octet, octets)
	for v := range octets {
		next[v] = Digits(WideCodesAt(Mem{Base: codes, Disp: OctetBytes * v}), l.bits, false)
	}
	for p := range l.positions {
		weight := Broadcast(Mem{Base: w, Disp: 4 * p})
		weighted := Mul(weight, Broadcast(Mem{Base: x, Disp: 4 * p}))
		tx, tl := TableOf(l.scaled(odds, weighted)), TableOf(Pairwise(Mul, l.scaled(odds, weight), odds))
		for v := range octets {
			index := next[v]()
			for _, term := range []struct {
				sum   Octet
				table Table
			}{{lx[v], tx}, {ll[v], tl}} {
				for i, t := range Lookup(term.table, l.entries, index) {
					Accumulate(term.sum[i], t)
				}
			}
		}
	}
	Advance(x, 4*l.positions)
	Advance(w, 4*l.positions)
	Advance(codes, rowBytes)
	CountDown(left, "group")
	for v := range octets {
		lx[v].Put(Mem{Base: to, Disp: OctetBytes * v})
		ll[v].Put(Mem{Base: to, Disp: 4*32 + OctetBytes*v})
	}
	Advance(to, sumsBytes)
	CountDown(blocks, "block")
	End()
}

// sumsBytes is what a sub-block has: two sums, and scores, of each try.
const sumsBytes = 3 * 4 * 32

// scaled is what levels stand for, times a factor.
func (l grid) scaled(odds Octet, factor Reg) (out Octet) {
	for _, v := range odds {
		out = append(out, Mul(factor, v))
	}
	return out
}
