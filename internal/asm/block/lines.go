package block

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// Lines of codes: the error of a code at scale s compares like the line a·s + b,
// with a = Σwq² and b = -Σ2wqx.

// lineParts emits wq² and -2wqx.
func lineParts(w, minusTwoX, q Reg) (a, b Reg) {
	wq := Mul(w, q)
	return Mul(wq, q), Mul(wq, minusTwoX)
}

// ternaryLines emits the tables of three levels of eight positions. A table of AVX2
// has each entry twice, in both halves.
func ternaryLines(to, fromX, fromW reg.GPVirtual) {
	w, x := OctetAt(Mem{Base: fromW}), OctetAt(Mem{Base: fromX}).By(Mul, LoadV(Constant(-2)))
	a, b := [4]Octet{3: OctetOf(Zero)}, [4]Octet{3: OctetOf(Zero)}
	for l := range 3 {
		q := LoadV(Constant(float32(2*l + 1)))
		for i := range x {
			la, lb := lineParts(w[i], x[i], q)
			a[l], b[l] = append(a[l], la), append(b[l], lb)
		}
	}
	for k, v := range [2][4]Octet{a, b} {
		for p, table := range Transposed(v) {
			StoreV(Mem{Base: to, Disp: gridB*k + 32*p}, table)
		}
	}
}

// octalLines emits the tables of eight levels of four positions.
func octalLines(to, x, w reg.GPVirtual) {
	q, minusTwo := oddsOfEight(), LoadV(Constant(-2))
	for p := range 4 {
		weight, value := Broadcast(Mem{Base: w, Disp: 4 * p}), Mul(Broadcast(Mem{Base: x, Disp: 4 * p}), minusTwo)
		var a, b Octet
		for _, odd := range q {
			la, lb := lineParts(weight, value, odd)
			a, b = append(a, la), append(b, lb)
		}
		a.Put(Mem{Base: to, Disp: 32 * p})
		b.Put(Mem{Base: to, Disp: gridB + 32*p})
	}
}

// oddsOfEight is what eight levels stand for.
func oddsOfEight() (q Octet) {
	for _, m := range OctetWords("odds", 0x3f800000, 0x40400000, 0x40a00000, 0x40e00000, 0x41100000, 0x41300000, 0x41500000, 0x41700000) {
		q = append(q, LoadV(m))
	}
	return q
}

// oddsOfFour is what four levels stand for, in both halves of a register of AVX2.
func oddsOfFour() Octet {
	const one, three, five, seven = 0x3f800000, 0x40400000, 0x40a00000, 0x40e00000
	return Octet{LoadV(Words("odds4", one, three, five, seven, one, three, five, seven))}
}
