package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// Lines of codes: the error of a code at scale s compares like the line a·s - b,
// with a = Σwq² and b = Σ2wqx.

// lineParts emits wq² and 2wqx.
func lineParts(w, x, q Reg) (a, b Reg) {
	wq := Mul(w, q)
	b = Mul(wq, x)
	return Mul(wq, q), Add(b, b)
}

// ternaryLines emits the tables of three levels of eight positions. A table
// has each entry twice, in both halves.
func ternaryLines(to, fromX, fromW reg.GPVirtual) {
	x, w := LoadV(Mem{Base: fromX}), LoadV(Mem{Base: fromW})
	a, b := [4]Reg{3: Zero()}, [4]Reg{3: Zero()}
	for l := range 3 {
		a[l], b[l] = lineParts(w, x, LoadV(Constant(float32(2*l+1))))
	}
	for k, v := range [2][4]Reg{a, b} {
		for p, table := range ternaryTable(v) {
			StoreV(Mem{Base: to, Disp: gridB*k + 32*p}, table)
		}
	}
}

// ternaryTable emits tables of eight positions from vectors for each level.
func ternaryTable(v [4]Reg) (table [8]Reg) {
	// A transposition within halves: registers become positions p | p+4.
	var pair [4]Reg
	for i := range pair {
		pair[i] = YMM()
	}
	VUNPCKLPS(v[1], v[0], pair[0])
	VUNPCKHPS(v[1], v[0], pair[1])
	VUNPCKLPS(v[3], v[2], pair[2])
	VUNPCKHPS(v[3], v[2], pair[3])
	for p := range 4 {
		both := YMM()
		if p%2 == 0 {
			VUNPCKLPD(pair[2+p/2], pair[p/2], both)
		} else {
			VUNPCKHPD(pair[2+p/2], pair[p/2], both)
		}
		table[p], table[p+4] = YMM(), YMM()
		VPERM2F128(operand.Imm(0x00), both, both, table[p])
		VPERM2F128(operand.Imm(0x11), both, both, table[p+4])
	}
	return table
}

// octalLines emits the tables of eight levels of four positions.
func octalLines(to, x, w reg.GPVirtual) {
	q := LoadV(odds())
	for p := range 4 {
		a, b := lineParts(Broadcast(Mem{Base: w, Disp: 4 * p}), Broadcast(Mem{Base: x, Disp: 4 * p}), q)
		StoreV(Mem{Base: to, Disp: 32 * p}, a)
		StoreV(Mem{Base: to, Disp: gridB + 32*p}, b)
	}
}

// odds is what eight levels stand for.
func odds() Mem {
	return Words("odds", 0x3f800000, 0x40400000, 0x40a00000, 0x40e00000, 0x41100000, 0x41300000, 0x41500000, 0x41700000)
}
