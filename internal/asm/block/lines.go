package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// Lines emits the comparison of codes at many scales. The error of a code at
// scale s compares like the line a·s - b, with a = Σwq² and b = Σ2wqx.
func Lines() {
	ternaryLines()
	octalLines()
	lowestLines("lowestTernaryAVX2", 8, 2, func(table Mem, level Reg) Reg {
		out := YMM()
		VPERMILPS(level, LoadV(table), out)
		return out
	})
	lowestLines("lowestOctalAVX2", 4, 3, func(table Mem, level Reg) Reg {
		out := YMM()
		VPERMPS(table, level, out)
		return out
	})
}

// The layout of kernel.Lines: tables of a, then of b; the lines of a list;
// the results.
const (
	linesB      = 8 * 32
	linesListA  = 2 * linesB
	linesMost   = 2048
	linesListB  = linesListA + 4*linesMost
	linesResult = linesListB + 4*linesMost
)

// lineParts emits wq² and 2wqx.
func lineParts(w, x, q Reg) (a, b Reg) {
	wq := Mul(w, q)
	b = Mul(wq, x)
	return Mul(wq, q), Add(b, b)
}

// ternaryLines emits the tables of three levels of eight positions. A table
// has each entry twice, in both halves.
func ternaryLines() {
	TEXT("linesTernaryAVX2", NOSPLIT, "func(l, x, w *float32)")
	Doc("linesTernaryAVX2 fills the tables of eight positions.")
	Pragma("noescape")
	get := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	to := get("l")
	x, w := LoadV(Mem{Base: get("x")}), LoadV(Mem{Base: get("w")})
	a, b := [4]Reg{3: Zero()}, [4]Reg{3: Zero()}
	for l := range 3 {
		a[l], b[l] = lineParts(w, x, LoadV(Constant(float32(2*l+1))))
	}
	for k, v := range [2][4]Reg{a, b} {
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
			both, once := YMM(), YMM()
			if p%2 == 0 {
				VUNPCKLPD(pair[2+p/2], pair[p/2], both)
			} else {
				VUNPCKHPD(pair[2+p/2], pair[p/2], both)
			}
			VPERM2F128(operand.Imm(0x00), both, both, once)
			StoreV(Mem{Base: to, Disp: linesB*k + 32*p}, once)
			VPERM2F128(operand.Imm(0x11), both, both, once)
			StoreV(Mem{Base: to, Disp: linesB*k + 32*(p+4)}, once)
		}
	}
	VZEROUPPER()
	RET()
}

// octalLines emits the tables of eight levels of four positions.
func octalLines() {
	TEXT("linesOctalAVX2", NOSPLIT, "func(l, x, w *float32)")
	Doc("linesOctalAVX2 fills the tables of four positions.")
	Pragma("noescape")
	get := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	to, x, w := get("l"), get("x"), get("w")
	q := LoadV(Words("odds", 0x3f800000, 0x40400000, 0x40a00000, 0x40e00000, 0x41100000, 0x41300000, 0x41500000, 0x41700000))
	for p := range 4 {
		a, b := lineParts(Broadcast(Mem{Base: w, Disp: 4 * p}), Broadcast(Mem{Base: x, Disp: 4 * p}), q)
		StoreV(Mem{Base: to, Disp: 32 * p}, a)
		StoreV(Mem{Base: to, Disp: linesB + 32*p}, b)
	}
	VZEROUPPER()
	RET()
}

// lowestLines emits the search for the lowest line of a list at scales, eight
// at a time: first the lines of all codes, then their order.
func lowestLines(name string, positions, width int, lookup func(table Mem, level Reg) Reg) {
	TEXT(name, NOSPLIT, "func(l *float32, list *uint16, n int, scales *float32, eights int, slack float32)")
	Doc(name + " finds the lowest of n lines at scales, and whether it is so by more than the slack.")
	Pragma("noescape")
	get := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	to, list, left := get("l"), get("list"), get("n")
	at := GP64()
	MOVQ(to, at)
	Label("codes")
	code := YMM()
	VPMOVZXWD(Mem{Base: list}, code)
	var a, b Reg
	for p := range positions {
		if p > 0 {
			VPSRLD(operand.Imm(uint64(width)), code, code)
		}
		pa := lookup(Mem{Base: to, Disp: 32 * p}, code)
		pb := lookup(Mem{Base: to, Disp: linesB + 32*p}, code)
		if a == nil {
			a, b = pa, pb
			continue
		}
		a, b = Add(a, pa), Add(b, pb)
	}
	StoreV(Mem{Base: at, Disp: linesListA}, a)
	StoreV(Mem{Base: at, Disp: linesListB}, b)
	ADDQ(operand.Imm(16), list)
	ADDQ(operand.Imm(32), at)
	SUBQ(operand.Imm(8), left)
	JG(operand.LabelRef("codes"))

	scales, eights := get("scales"), get("eights")
	out := GP64()
	MOVQ(to, out)
	p, _ := Param("slack").Resolve()
	slack := Broadcast(p.Addr)
	one := LoadV(Bits(1))
	Label("scales")
	s := LoadV(Mem{Base: scales})
	low := LoadV(Constant(0x1.fffffep127))
	next := LoadV(Constant(0x1.fffffep127))
	rank, best := YMM(), YMM()
	VPXOR(rank, rank, rank)
	VPXOR(best, best, best)
	MOVQ(to, at)
	n := get("n")
	Label("line")
	f := Sub(Mul(s, Broadcast(Mem{Base: at, Disp: linesListA})), Broadcast(Mem{Base: at, Disp: linesListB}))
	lower := compare(Less, f, low)
	VBLENDVPS(lower, rank, best, best)
	higher := Greatest(low, f)
	VMINPS(higher, next, next)
	VMINPS(f, low, low)
	VPADDD(one, rank, rank)
	ADDQ(operand.Imm(4), at)
	DECQ(n)
	JNZ(operand.LabelRef("line"))
	StoreV(Mem{Base: out, Disp: linesResult}, best)
	StoreV(Mem{Base: out, Disp: linesResult + 128}, compare(Less, slack, Sub(next, low)))
	ADDQ(operand.Imm(32), out)
	ADDQ(operand.Imm(32), scales)
	DECQ(eights)
	JNZ(operand.LabelRef("scales"))
	VZEROUPPER()
	RET()
}
