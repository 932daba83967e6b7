package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// Prepares emits what comes before and after the search for codes: magnitudes,
// signs and weights of values, the scales to try, the best of them.
func Prepares() {
	ISA = AVX2
	importance()
	prepare("prepareAVX2", false)
	prepare("prepareEvenAVX2", true)
	spreadTries()
	bestTries()
}

// importance emits w = weights·√(variance + x²).
func importance() {
	TEXT("importanceAVX2", NOSPLIT, "func(w, x, weights *float32, octets int, variance float32)")
	Doc("importanceAVX2 weighs eight values at a time; see Importance.")
	Pragma("noescape")
	w, x, weights, left := pointer("w"), pointer("x"), pointer("weights"), pointer("octets")
	p, _ := Param("variance").Resolve()
	variance := Broadcast(p.Addr)
	Label("octet")
	v := LoadV(Mem{Base: x})
	StoreV(Mem{Base: w}, Mul(Sqrt(Add(variance, Mul(v, v))), Mem{Base: weights}))
	for _, p := range []reg.GPVirtual{w, x, weights} {
		ADDQ(operand.Imm(32), p)
	}
	DECQ(left)
	JNZ(operand.LabelRef("octet"))
	VZEROUPPER()
	RET()
}

// prepare emits magnitudes, signs and roots of weights. If minuses have to be
// even, the value that loses least by it, the first on a tie, gets the wrong
// sign where they are not.
func prepare(name string, even bool) {
	TEXT(name, NOSPLIT, "func(magnitude, root, x, w *float32, octets int, minus *uint8, tops *float32)")
	Doc(name + " splits values into magnitudes and signs; see Prepare.")
	Pragma("noescape")
	magnitudes, roots, x, w := pointer("magnitude"), pointer("root"), pointer("x"), pointer("w")
	left, minus := pointer("octets"), pointer("minus")
	mask, none := LoadV(Bits(Magnitude)), Zero()
	top, reach := LoadV(Constant(-0x1.fffffep127)), Zero()
	Label("octet")
	value, weight := LoadV(Mem{Base: x}), LoadV(Mem{Base: w})
	StoreV(Mem{Base: roots}, Sqrt(weight))
	magnitude := And(value, mask)
	set := LaneBits(Compare(Less, value, none))
	VMAXPS(magnitude, reach, reach)
	if even {
		loss := Mul(Mul(weight, magnitude), magnitude)
		bit, odd := lowestBit(leastLanes(loss).As64()), GP64()
		POPCNTQ(set.As64(), odd)
		ANDQ(operand.Imm(1), odd)
		NEGQ(odd)
		ANDQ(odd, bit)
		XORQ(bit, set.As64())
		all, bits := YMM(), LoadV(Words("lanes", 1, 2, 4, 8, 16, 32, 64, 128))
		VMOVQ(bit, all.AsX())
		VPBROADCASTD(all.AsX(), all)
		VPAND(bits, all, all)
		VPCMPEQD(bits, all, all)
		VPAND(Bits(SignBit), all, all)
		VXORPS(all, magnitude, magnitude)
	}
	StoreV(Mem{Base: magnitudes}, magnitude)
	VMAXPS(magnitude, top, top)
	MOVB(set.As8(), Mem{Base: minus})
	for _, p := range []reg.GPVirtual{magnitudes, roots, x, w} {
		ADDQ(operand.Imm(32), p)
	}
	INCQ(minus)
	DECQ(left)
	JNZ(operand.LabelRef("octet"))
	tops := pointer("tops")
	for i, v := range []Reg{top, reach} {
		most := acrossOne(v, func(a, b, out Op) { VMAXPS(a, b, out) })
		VMOVSS(most.AsX(), Mem{Base: tops, Disp: 4 * i})
	}
	VZEROUPPER()
	RET()
}

// acrossOne emits the least or the greatest of eight values, in all lanes.
func acrossOne(v Reg, of func(a, b, out Op)) Reg {
	most, other := YMM(), YMM()
	VPERM2F128(operand.Imm(1), v, v, most)
	of(most, v, most)
	for _, order := range []uint64{0x4e, 0xb1} {
		VPERMILPS(operand.Imm(order), most, other)
		of(other, most, most)
	}
	return most
}

// leastLanes emits the set of lanes with the least value.
func leastLanes(v Reg) reg.GPVirtual {
	return LaneBits(Compare(Equal, v, acrossOne(v, func(a, b, out Op) { VMINPS(a, b, out) })))
}

// spreadTries emits inverse scales, numerators divided by a limit, and scales.
func spreadTries() {
	TEXT("spreadTriesAVX2", NOSPLIT, "func(tries, numerators *float32, octets int, limit float32)")
	Doc("spreadTriesAVX2 sets eight tries at a time; see Tries.Spread.")
	Pragma("noescape")
	tries, numerators, left := pointer("tries"), pointer("numerators"), pointer("octets")
	p, _ := Param("limit").Resolve()
	limit, one := Broadcast(p.Addr), LoadV(Constant(1))
	Label("octet")
	inverse := Div(LoadV(Mem{Base: numerators}), limit)
	StoreV(Mem{Base: tries}, inverse)
	StoreV(Mem{Base: tries, Disp: triesScale}, Div(one, inverse))
	ADDQ(operand.Imm(32), tries)
	ADDQ(operand.Imm(32), numerators)
	DECQ(left)
	JNZ(operand.LabelRef("octet"))
	VZEROUPPER()
	RET()
}

// bestTries emits the set of tries whose lx²/ll is within 2^-16 of the greatest,
// empty where the numbers are so small that squares lose bits.
func bestTries() {
	TEXT("bestTriesAVX2", NOSPLIT, "func(sums *float32, n int) uint32")
	Doc("bestTriesAVX2 finds the tries that explain most; see Grid.Best.")
	Pragma("noescape")
	sums, n := pointer("sums"), pointer("n")
	none, most, at := Zero(), Zero(), GP64()
	number, length := LoadV(Words("iota8", 0, 1, 2, 3, 4, 5, 6, 7)), YMM()
	VMOVQ(n, length.AsX())
	VPBROADCASTD(length.AsX(), length)
	XORQ(at, at)
	Label("scores")
	lx, ll := LoadV(Mem{Base: sums, Index: at, Scale: 4}), LoadV(Mem{Base: sums, Index: at, Scale: 4, Disp: 4 * 32})
	within := YMM()
	VPCMPGTD(number, length, within)
	VPADDD(Bits(8), number, number)
	score := Div(Mul(lx, lx), ll)
	VANDPS(within, score, score)
	VANDPS(compare(Greater, ll, none), score, score)
	StoreV(Mem{Base: sums, Index: at, Scale: 4, Disp: 8 * 32}, score)
	VMAXPS(score, most, most)
	ADDQ(operand.Imm(8), at)
	CMPQ(at, n)
	JL(operand.LabelRef("scores"))

	limit := Mul(acrossOne(most, func(a, b, out Op) { VMAXPS(a, b, out) }), Constant(1-1./(1<<16)))
	best, first := GP64(), GP64()
	XORQ(best, best)
	XORQ(at, at)
	Label("candidates")
	set := LaneBits(Compare(GreaterEqual, LoadV(Mem{Base: sums, Index: at, Scale: 4, Disp: 8 * 32}), limit))
	MOVQ(at, reg.RCX)
	SHLL(reg.CL, set.As32())
	ORL(set.As32(), best.As32())
	ADDQ(operand.Imm(8), at)
	CMPQ(at, n)
	JL(operand.LabelRef("candidates"))
	BSFQ(best, first)
	JZ(operand.LabelRef("unclear"))
	square := XMM()
	VMOVSS(Mem{Base: sums, Index: first, Scale: 4}, square)
	VMULSS(square, square, square)
	VUCOMISS(Constant(1e-30), square)
	JB(operand.LabelRef("unclear"))
	VUCOMISS(Constant(1e30), square)
	JA(operand.LabelRef("unclear"))
	Store(best.As32(), ReturnIndex(0))
	VZEROUPPER()
	RET()
	Label("unclear")
	XORQ(best, best)
	Store(best.As32(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}
