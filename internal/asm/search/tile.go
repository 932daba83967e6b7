package search

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// loadTile emits the transposition of groups into lanes, in squares of 8×8.
func loadTile() {
	TEXT("loadAVX2", NOSPLIT, "func(t, x *float32, halves, n int)")
	Doc("loadAVX2 puts group j of n values, a multiple of 8, into lane j; a half has 16 groups.")
	Pragma("noescape")
	t, x := Load(Param("t"), GP64()), Load(Param("x"), GP64()).(reg.GPVirtual)
	octets, n := Load(Param("halves"), GP64()), Load(Param("n"), GP64()).(reg.GPVirtual)
	SHLQ(operand.Imm(1), octets)
	SHLQ(operand.Imm(2), n)
	triple, to, left := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: n, Index: n, Scale: 2}, triple)

	Label("octet")
	MOVQ(t, to)
	MOVQ(n, left)
	Label("square")
	// Rows i and i+4 share a register, half by half, so that the rest stays
	// within 128-bit lanes.
	far := GP64()
	LEAQ(Mem{Base: x, Index: n, Scale: 4}, far)
	at := func(base reg.Register, i, disp int) Mem {
		switch i {
		case 0:
			return Mem{Base: base, Disp: disp}
		case 3:
			return Mem{Base: base, Index: triple, Scale: 1, Disp: disp}
		}
		return Mem{Base: base, Index: n, Scale: uint8(i), Disp: disp}
	}
	for half := range 2 {
		var r [4]Reg
		for i := range r {
			r[i] = YMM()
			VMOVUPS(at(x, i, 16*half), r[i].AsX())
			VINSERTF128(operand.Imm(1), at(far, i, 16*half), r[i], r[i])
		}
		var pair [4]Reg
		for i := range pair {
			pair[i] = YMM()
		}
		VUNPCKLPS(r[1], r[0], pair[0])
		VUNPCKHPS(r[1], r[0], pair[1])
		VUNPCKLPS(r[3], r[2], pair[2])
		VUNPCKHPS(r[3], r[2], pair[3])
		for i := range 4 {
			out := YMM()
			if i%2 == 0 {
				VUNPCKLPD(pair[2+i/2], pair[i/2], out)
			} else {
				VUNPCKHPD(pair[2+i/2], pair[i/2], out)
			}
			StoreV(Mem{Base: to, Disp: row * (4*half + i)}, out)
		}
	}
	ADDQ(operand.Imm(32), x)
	ADDQ(operand.I32(8*row), to)
	SUBQ(operand.Imm(32), left)
	JNZ(operand.LabelRef("square"))
	// x is now at row 1 of this octet: seven rows more to the next.
	LEAQ(Mem{Base: x, Index: triple, Scale: 2}, x)
	ADDQ(n, x)
	ADDQ(operand.Imm(32), t)
	DECQ(octets)
	JNZ(operand.LabelRef("octet"))
	VZEROUPPER()
	RET()
}
