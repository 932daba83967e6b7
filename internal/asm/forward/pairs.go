package forward

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/f190792d/mq/internal/asm/vec"
)

// The columns of a turn of a product of pairs: column i and the one a distance
// after it are a pair, the one two distances after it is by itself.
const (
	pairDistance = 8
	pairStep     = 3 // of what is left of a row: a distance of one
	pairTurn     = pairStep * pairDistance
)

// pairKernels emits products of pairs, with AVX-512 alone: what is added to a
// vector is broadcast from memory by the addition itself, without which
// nothing would be won.
func pairKernels() {
	for _, rows := range []int{12, 6, 4, 2, 1} {
		emitPairs(fmt.Sprintf("pairs%dx32", rows), rows)
	}
}

func emitPairs(name string, rows int) {
	p, k, next, approach := begin(name, "gemmPairsGeneric", rows)
	SUBQ(Imm(pairTurn), k)
	JL(LabelRef("rest"))
	Label("turn") // what comes next is prefetched little by little
	for i := range pairDistance {
		for line := 64 * i; line < 4*pairTurn*rows; line += 64 * pairDistance {
			PREFETCHT0(Mem{Base: next, Disp: line})
		}
		if i%(pairDistance/2) == 0 {
			approach()
		}
		p.pair(i, pairDistance)
	}
	ADDQ(I32(4*pairTurn*rows), next)
	p.advance(pairTurn)
	SUBQ(Imm(pairTurn), k)
	JGE(LabelRef("turn"))
	Label("rest")
	ADDQ(Imm(pairTurn-pairStep), k)
	JL(LabelRef("few"))
	Label("step")
	p.pair(0, 1)
	p.advance(pairStep)
	SUBQ(Imm(pairStep), k)
	JGE(LabelRef("step"))
	Label("few")
	ADDQ(Imm(pairStep), k)
	JZ(LabelRef("figures"))
	p.singles(k)
	Label("figures")
	p.settle()
	p.write()
	VZEROUPPER()
	RET()
}

// pair adds the product of the pair of columns i, and that of the column that
// is by itself: its multiplications fill the time of the additions.
func (p *product) pair(i, distance int) {
	j, alone := i+distance, i+2*distance
	first, second, own := p.row(i), p.row(j), p.row(alone)
	for r := range p.rows {
		for v, sum := range p.sums[r] {
			x, y := vec.Vector(), vec.Vector()
			VADDPS_BCST(p.at(r, 4*i), second[v], x)
			VADDPS_BCST(p.at(r, 4*j), first[v], y)
			VFMADD231PS(x, y, sum)
		}
		for v, sum := range p.sums[r] {
			VFMADD231PS_BCST(p.at(r, 4*alone), own[v], sum)
		}
	}
}

// settle takes the sums of pairs of a row of a and of a column of b from their
// product, and undoes their scales.
func (p *product) settle() {
	pairs, back := p.row(0), p.row(1)
	for r := range p.rows {
		for v, sum := range p.sums[r] {
			own := vec.Vector()
			VADDPS_BCST(p.at(r, 0), pairs[v], own)
			VSUBPS(own, sum, sum)
			VMULPS(back[v], sum, sum)
			VMULPS_BCST(p.at(r, 4), sum, sum)
		}
	}
}

// pairRows emits what prepares rows for products of pairs.
func pairRows() {
	TEXT("pairSquares", NOSPLIT, "func(row *float32, n int) float64")
	Doc("pairSquares returns the sum of the squares of n elements, a positive multiple of 8.")
	Pragma("noescape")
	row, n := Load(Param("row"), GP64()), Load(Param("n"), GP64())
	sums := [2]vec.Reg{YMM(), YMM()}
	for _, sum := range sums {
		VXORPD(sum, sum, sum)
	}
	Label("eight")
	for half, sum := range sums {
		x := YMM()
		VCVTPS2PD(Mem{Base: row, Disp: 16 * half}, x)
		VFMADD231PD(x, x, sum)
	}
	ADDQ(Imm(32), row)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("eight"))
	VADDPD(sums[1], sums[0], sums[0])
	VHADDPD(sums[0], sums[0], sums[0])
	low, high := sums[0].AsX(), XMM()
	VEXTRACTF128(Imm(1), sums[0], high)
	VADDSD(high, low, low)
	Store(low, ReturnIndex(0))
	VZEROUPPER()
	RET()

	TEXT("pairRow", NOSPLIT, "func(row *float32, n int, scale float32) float32")
	Doc("pairRow scales n elements, whole turns, and returns the sum of the products of their pairs.")
	Pragma("noescape")
	row, n = Load(Param("row"), GP64()), Load(Param("n"), GP64())
	scale, sum := YMM(), YMM()
	at, err := Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(at.Addr, scale)
	VXORPS(sum, sum, sum)
	Label("turn")
	var x [3]vec.Reg
	for i := range x {
		x[i] = YMM()
		VMULPS(Mem{Base: row, Disp: 32 * i}, scale, x[i])
		VMOVUPS(x[i], Mem{Base: row, Disp: 32 * i})
	}
	VMULPS(x[0], x[1], x[0])
	VADDPS(x[0], sum, sum)
	ADDQ(Imm(4*pairTurn), row)
	SUBQ(Imm(pairTurn), n)
	JNZ(LabelRef("turn"))
	vec.GiveFloat(vec.SumOfEight([]vec.Reg{sum}))
	VZEROUPPER()
	RET()
}

// identify emits the instruction that says what the processor is.
func identify() {
	TEXT("identify", NOSPLIT, "func(leaf uint32) (a, b, c, d uint32)")
	Doc("identify executes CPUID.")
	Load(Param("leaf"), reg.EAX)
	XORL(reg.ECX, reg.ECX)
	CPUID()
	for i, r := range []reg.Register{reg.EAX, reg.EBX, reg.ECX, reg.EDX} {
		Store(r, ReturnIndex(i))
	}
	RET()
}
