package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Blocks of 32 values: in four registers of AVX2, or eight of NEON.

// tree combines vectors in pairs.
func tree(v []Reg, of func(a, b Reg) Reg) Reg {
	for len(v) > 1 {
		var next []Reg
		for i := 0; i < len(v); i += 2 {
			next = append(next, of(v[i], v[i+1]))
		}
		v = next
	}
	return v[0]
}

// armAcross is the one of all lanes that two instructions choose, in all lanes.
func armAcross(v []Reg, pair, across uint32) Reg {
	m, out := tree(v, func(a, b Reg) Reg { return binary(nil, pair, a, b) }), Vector()
	arm2(across, out, m)
	arm2(dup|4<<16, out, out)
	return out
}

// LeastOf is the least of 32 values in all lanes; which zero it is, is open.
func LeastOf(v []Reg) Reg {
	if ISA == NEON {
		return armAcross(v, fmin, fminv)
	}
	return Across([4]Reg(v), func(a, b Op) Reg { return Least(a, b) })
}

// MostOf is the greatest of 32 values in all lanes; which zero it is, is open.
func MostOf(v []Reg) Reg {
	if ISA == NEON {
		return armAcross(v, fmax, fmaxv)
	}
	return Across([4]Reg(v), func(a, b Op) Reg { return Greatest(a, b) })
}

// MostMagnitude is MostOf for values without sign, which have the order of
// their bits.
func MostMagnitude(v []Reg) Reg {
	if ISA == NEON {
		return armAcross(v, smax, smaxv)
	}
	return MostOf(v)
}

// MagnitudesMost is a > b ? a : b for values without sign.
func MagnitudesMost(a, b Reg) Reg {
	return binary(func(b, a, o Op) { VMAXPS(b, a, o) }, smax, a, b)
}

// FirstEqual is the value of the n at x, 16 or 32, whose place is the first where v
// equals m, one of v. Of 16 values v has each twice.
func FirstEqual(x reg.GPVirtual, n int, v []Reg, m Reg) Reg {
	if ISA == NEON {
		var at []Reg
		for i, a := range v {
			hit, place := Compare(Equal, a, m), Vector()
			p := uint32(4 * i)
			arm3(orNot, place, Words("places_"+string(rune('a'+i)), p, p+1, p+2, p+3), hit.(Op))
			at = append(at, place)
		}
		place := armAcross(at, umin, uminv)
		arm3(umin, place, place, Bits(uint32(n-1))) // for NaN, which equals nothing
		armToGeneral(place)
		armText("ADD R%d<<2, %s, R%d", armScratch, x, armScratch)
		out := Vector()
		armBroadcastScratch(out)
		return out
	}
	var hits []Reg
	for i := range v {
		hits = append(hits, Compare(Equal, v[i], m).(Reg))
	}
	at := GP32()
	VPMOVMSKB(PackBytes(hits)[0], at)
	ORL(operand.U32(1<<(n-1)), at)
	BSFL(at, at)
	return Broadcast(Mem{Base: x, Index: at.As64(), Scale: 4})
}

// armBytesOf has, of each 32-bit element of four vectors, one byte: the lowest, or
// the highest.
func armBytesOf(l []Reg, which uint32) Reg {
	low, high := binary(nil, which|ofWords, l[0], l[1]), binary(nil, which|ofWords, l[2], l[3])
	return binary(nil, which, low, high)
}

// PackBytes packs 32 integers to signed bytes in their order: in one vector, or
// in two.
func PackBytes(l []Reg) []Reg {
	if ISA == NEON {
		return []Reg{armBytesOf(l[:4], uzp1), armBytesOf(l[4:], uzp1)}
	}
	low, high := YMM(), YMM()
	VPACKSSDW(l[1], l[0], low)
	VPACKSSDW(l[3], l[2], high)
	VPACKSSWB(high, low, low)
	// The packing works within halves of registers.
	VPERMD(low, LoadV(Words("order", 0, 4, 1, 5, 2, 6, 3, 7)), low)
	return []Reg{low}
}

// StoreBits stores one bit of each of 32 bytes.
func StoreBits(to Mem, l []Reg, bit int) {
	if ISA == NEON {
		var set [2]Reg
		for i := range l {
			set[i] = binary(nil, testBits, l[i], Bits(0x01010101<<bit))
		}
		armStorePart(to, armByteBits(set), 4)
		return
	}
	set := GP32()
	VPMOVMSKB(ShiftLeft16(l[0], 7-bit), set)
	MOVL(set, to)
}

// armByteBits is, in the lowest lane, a bit for each of 32 bytes that are all bits or none.
func armByteBits(set [2]Reg) Reg {
	for i, v := range set {
		set[i] = binary(nil, andBits, v, Words("byte_bits", 0x08040201, 0x80402010, 0x08040201, 0x80402010))
	}
	sum := binary(nil, addPairs, set[0], set[1])
	arm3(addPairs, sum, sum, sum)
	arm3(addPairs, sum, sum, sum)
	return sum
}

// StoreNibbles stores four bits of 32 bytes, none of which has more than five: of value j in
// the low, of value j+16 in the high half of byte j.
func StoreNibbles(to Mem, l []Reg, fifth bool) {
	if ISA == NEON {
		arm2Into(leftBy(sli, 8, 4), l[0], l[1])
		StoreV(to, l[0])
		return
	}
	x, high := l[0], XMM()
	if fifth {
		VPAND(Bits(0x0f0f0f0f), x, x)
	}
	VEXTRACTI128(operand.Imm(1), x, high)
	VPSLLW(operand.Imm(4), high, high)
	VPOR(x.AsX(), high, high)
	VMOVDQU(high, to)
}

// StoreHalf stores the lowest lane as a float16.
func StoreHalf(to Mem, f Reg) {
	h := Vector()
	if ISA == NEON {
		arm2(fcvtn, h, f)
		armStorePart(to, h, 2)
		return
	}
	VCVTPS2PH(operand.Imm(0), f.AsX(), h.AsX())
	VPEXTRW(operand.Imm(0), h.AsX(), to)
}

// JumpUnlessWithin jumps if the bits of the lowest lane are not within bounds.
func JumpUnlessWithin(x Reg, least, most uint32, to string) {
	if ISA == NEON {
		armToGeneral(x)
		armText("MOVD $%d, R%d", least, armScratch+1)
		armText("SUBW R%d, R%d", armScratch+1, armScratch)
		armText("MOVD $%d, R%d", most-least, armScratch+1)
		armText("CMPW R%d, R%d", armScratch+1, armScratch)
		armJump("BHI", to)
		return
	}
	bits := GP32()
	VMOVD(x.AsX(), bits)
	SUBL(operand.U32(least), bits)
	CMPL(bits, operand.U32(most-least))
	JA(operand.LabelRef(to))
}

// JumpIfNone jumps if the lowest lane is a zero of any sign.
func JumpIfNone(x Reg, to string) {
	if ISA == NEON {
		armToGeneral(x)
		armText("LSLW $1, R%d", armScratch)
		armBranch(to, "CBZW R%d, "+to, armScratch)
		return
	}
	sign := GP32()
	VMOVD(x.AsX(), sign)
	ADDL(sign, sign)
	JZ(operand.LabelRef(to))
}

// Cut truncates floats that fit an integer.
func Cut(f Reg) Reg { return unary(func(a, o Op) { VCVTTPS2DQ(a, o) }, fcvtzs, f) }

// Or is a | b, by the bits.
func Or(a, b Op) Reg { return binary(func(b, a, o Op) { VORPS(b, a, o) }, orBits, a, b) }

// StoreLowBytes stores the low bytes of 32 integers.
func StoreLowBytes(to Mem, l []Reg) {
	if ISA == NEON {
		for i, bytes := range PackBytes(l) {
			StoreV(to.Offset(16*i), bytes)
		}
		return
	}
	low, high := YMM(), YMM()
	for i := range l {
		l[i] = Masked(l[i], Bits(0xff))
	}
	VPACKSSDW(l[1], l[0], low)
	VPACKSSDW(l[3], l[2], high)
	VPACKUSWB(high, low, low)
	VPERMD(low, LoadV(Words("order", 0, 4, 1, 5, 2, 6, 3, 7)), low)
	StoreV(to, low)
}

// StoreFirst stores the lowest lane.
func StoreFirst(to Mem, v Reg) {
	if ISA == NEON {
		armStorePart(to, v, 4)
	} else {
		VMOVSS(v.AsX(), to)
	}
}

// Truncate cuts off as x86 does: what does not fit is the lowest integer.
func Truncate(f Reg) Reg {
	if ISA == NEON {
		return Choose(Compare(Less, f, LoadV(Constant(0x1p31))), Cut(f), Bits(1<<31))
	}
	return Cut(f)
}

// LowByte is the low byte of integers, with its sign.
func LowByte(l Reg) Reg {
	return unary(func(a, o Op) { VPSRAD(operand.Imm(24), a, o) }, rightBy(sshr, 32, 24), ShiftLeft(l, 24))
}

// SubInt is a - b for integers.
func SubInt(a, b Op) Reg { return binary(func(b, a, o Op) { VPSUBD(b, a, o) }, subInt, a, b) }

// EqualInt is set where integers are equal: all bits of a lane.
func EqualInt(a, b Op) Reg { return binary(func(b, a, o Op) { VPCMPEQD(b, a, o) }, cmeq, a, b) }

// ValuesAt loads n values.
func ValuesAt(x reg.Register, n int) (v []Reg) {
	for at := 0; at < 4*n; at += Width() {
		v = append(v, LoadV(Mem{Base: x, Disp: at}))
	}
	return v
}

// AddBytes is a + b for bytes.
func AddBytes(a, b Op) Reg { return binary(func(b, a, o Op) { VPADDB(b, a, o) }, addBytes, a, b) }

// MostMagnitudeIn is the greatest of the floats without sign of a vector, in the
// lowest lane.
func MostMagnitudeIn(v Reg) Reg {
	out := Vector()
	if ISA == NEON {
		arm2(smaxv, out, v)
		return out
	}
	half, other := XMM(), XMM()
	VEXTRACTF128(operand.Imm(1), v, half)
	VMAXPS(half, v.AsX(), out.AsX())
	for _, order := range []uint64{0x4e, 0xb1} {
		VPERMILPS(operand.Imm(order), out.AsX(), other)
		VMAXPS(other, out.AsX(), out.AsX())
	}
	return out
}

// RaiseBits is m = max(m, v) for integers of 16 or 32 bits without sign.
func RaiseBits(width int, m, v Reg) {
	if width == 16 {
		inPlace(func(b, a, o Op) { VPMAXUW(b, a, o) }, umaxHalf, m, v)
	} else {
		inPlace(func(b, a, o Op) { VPMAXUD(b, a, o) }, umax, m, v)
	}
}

// GiveGreatest returns the greatest of the integers of a vector.
func GiveGreatest(width int, v Reg) {
	if ISA == NEON {
		move, across := "MOVW", uint32(umaxv)
		if width == 16 {
			move, across = "MOVH", umaxvHalf
		}
		most := Vector()
		arm2(across, most, v)
		armToGeneral(most)
		armText("%s R%d, %s", move, armScratch, armParam("ret"))
		return
	}
	half, m, out := YMM(), YMM(), GP32()
	VEXTRACTI128(operand.Imm(1), v, half.AsX())
	VMOVDQA(v.AsX(), m.AsX())
	RaiseBits(width, m, half)
	if width == 16 {
		// There is a minimum of words, so take that of the complement.
		ones := XMM()
		VPCMPEQW(ones, ones, ones)
		VPXOR(ones, m.AsX(), ones)
		VPHMINPOSUW(ones, ones)
		VMOVD(ones, out)
		NOTL(out)
		Store(out.As16(), ReturnIndex(0))
		return
	}
	for _, order := range []uint64{0x4e, 0xb1} {
		VPSHUFD(operand.Imm(order), m.AsX(), half.AsX())
		RaiseBits(width, m, half)
	}
	VMOVD(m.AsX(), out)
	Store(out, ReturnIndex(0))
}
