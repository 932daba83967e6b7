package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// Prepares emits what turns values into magnitudes, signs and weights.
func Prepares() {
	ISA = AVX2
	importance()
	prepare("prepareAVX2", false)
	prepare("prepareEvenAVX2", true)
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
