package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// sums emits Σw·l·x and Σw·l² of the codes of groups, tries in the lanes of so
// many vectors.
func (l grid) sums(name string, vectors int) {
	TEXT(name, NOSPLIT, "func(x, w *float32, codes *uint32, groups int, sums *float32)")
	Doc(name + " adds the terms of codes in the order of positions; see Grid.Sum.")
	Pragma("noescape")
	x, w, codes, left := pointer("x"), pointer("w"), pointer("codes"), pointer("groups")
	odds := LoadV(l.odds)
	lx, ll, code := make([]Reg, vectors), make([]Reg, vectors), make([]Reg, vectors)
	for v := range vectors {
		lx[v], ll[v], code[v] = Zero(), Zero(), YMM()
	}
	Label("group")
	for v := range vectors {
		VMOVUPS(Mem{Base: codes, Disp: 32 * v}, code[v])
	}
	for p := range l.positions {
		weight := Broadcast(Mem{Base: w, Disp: 4 * p})
		tx := Mul(Mul(weight, Broadcast(Mem{Base: x, Disp: 4 * p})), odds)
		tl := Mul(Mul(weight, odds), odds)
		for v := range vectors {
			if p > 0 {
				VPSRLD(operand.Imm(uint64(l.bits)), code[v], code[v])
			}
			for _, term := range []struct{ sum, table Reg }{{lx[v], tx}, {ll[v], tl}} {
				Accumulate(term.sum, l.lookup(term.table, code[v]))
			}
		}
	}
	ADDQ(operand.Imm(uint64(4*l.positions)), x)
	ADDQ(operand.Imm(uint64(4*l.positions)), w)
	ADDQ(operand.I32(rowBytes), codes)
	DECQ(left)
	JNZ(operand.LabelRef("group"))
	to := pointer("sums")
	for v := range vectors {
		StoreV(Mem{Base: to, Disp: 32 * v}, lx[v])
		StoreV(Mem{Base: to, Disp: 4*32 + 32*v}, ll[v])
	}
	VZEROUPPER()
	RET()
}
