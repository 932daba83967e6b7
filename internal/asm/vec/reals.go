package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What the forward pass needs: fused products, bounds, sums of all lanes.

// AddProduct is sum += a·b with one rounding.
func AddProduct(sum Reg, a, b Op) {
	if ISA == NEON {
		armInto(fmla, sum, a, b)
	} else {
		VFMADD231PS(b, a, sum)
	}
}

// SubProduct is sum -= a·b with one rounding.
func SubProduct(sum Reg, a, b Op) {
	if ISA == NEON {
		armInto(fmls, sum, a, b)
	} else {
		VFNMADD231PS(b, a, sum)
	}
}

// Within holds x within bounds; NaN stays.
func Within(x Reg, low, high Op) Reg {
	// Of two operands x86 keeps the second one for NaN.
	x = binary(func(b, a, o Op) { VMINPS(b, a, o) }, fmin, high, x)
	return binary(func(b, a, o Op) { VMAXPS(b, a, o) }, fmax, low, x)
}

// RaiseTo is m = max(m, v), without regard to NaN and the signs of zeros.
func RaiseTo(m Reg, v Op) { inPlace(func(b, a, o Op) { VMAXPS(b, a, o) }, fmax, m, v) }

// eighth folds eight floats to one in the lowest lane, in one order everywhere.
func eighth(v []Reg, x86 func(b, a, o Op), arm, pairs uint32) Reg {
	if ISA == NEON {
		out := binary(nil, arm, v[1], v[0])
		arm3(pairs, out, out, out)
		arm3(pairs, out, out, out)
		return out
	}
	x, other := YMM(), XMM()
	VEXTRACTF128(operand.Imm(1), v[0], other)
	x86(other, v[0].AsX(), x.AsX())
	for _, order := range []uint64{0xb1, 0x4e} {
		VPERMILPS(operand.Imm(order), x.AsX(), other)
		x86(other, x.AsX(), x.AsX())
	}
	return x
}

// SumOfEight is the sum of eight lanes.
func SumOfEight(v []Reg) Reg { return eighth(v, addTo, fadd, faddPairs) }

// MostOfEight is the greatest of eight lanes.
func MostOfEight(v []Reg) Reg {
	return eighth(v, func(b, a, o Op) { VMAXPS(b, a, o) }, fmax, fmaxPairs)
}

// GiveFloat returns the lowest lane.
func GiveFloat(v Reg) {
	if ISA == NEON {
		armToGeneral(v)
		armText("MOVW R%d, %s", armScratch, armParam("ret"))
		return
	}
	Store(v.AsX(), ReturnIndex(0))
}

// AddSquares adds the squares of four floats to sums of float64.
func AddSquares(sums, row Mem) {
	if ISA == NEON {
		four := LoadV(row)
		for half := range uint32(2) {
			x, sum := Vector(), LoadV(sums.Offset(16*int(half)))
			arm2(fcvtlLong|half*upperHalf, x, four)
			armInto(fmlaDouble, sum, x, x)
			StoreV(sums.Offset(16*int(half)), sum)
		}
		return
	}
	x, sum := YMM(), YMM()
	VCVTPS2PD(row, x)
	VMOVUPD(sums, sum)
	VFMADD231PD(x, x, sum)
	VMOVUPD(sum, sums)
}

// transposed turns four rows of four elements, side by side in the halves of
// registers of AVX2, into columns.
func transposed(r [4]Reg) (out [4]Reg) {
	for i, t := range [2][2]Reg{{firstOf(r[0], r[1]), firstOf(r[2], r[3])}, {secondOf(r[0], r[1]), secondOf(r[2], r[3])}} {
		out[2*i], out[2*i+1] = firstPairs(t[0], t[1]), secondPairs(t[0], t[1])
	}
	return out
}

// firstOf and secondOf alternate the lanes of the halves of two vectors, firstPairs
// and secondPairs two lanes of each; with AVX2 of both halves of registers.
func firstOf(a, b Reg) Reg { return binary(func(b, a, o Op) { VUNPCKLPS(b, a, o) }, zip1, a, b) }

func secondOf(a, b Reg) Reg { return binary(func(b, a, o Op) { VUNPCKHPS(b, a, o) }, zip2, a, b) }

func firstPairs(a, b Reg) Reg {
	return binary(func(b, a, o Op) { VUNPCKLPD(b, a, o) }, zip1|pairsOfTwo, a, b)
}

func secondPairs(a, b Reg) Reg {
	return binary(func(b, a, o Op) { VUNPCKHPD(b, a, o) }, zip2|pairsOfTwo, a, b)
}

// Columns loads four columns of rows that at reaches, from disp bytes on: of
// rows i and i+4 in the halves of a register of AVX2, so that the rest stays
// within 128-bit lanes, or of the four rows of a part.
func Columns(at func(row, disp int) Mem, part, disp int) [4]Reg {
	var r [4]Reg
	for i := range r {
		if ISA == NEON {
			r[i] = LoadV(at(4*part+i, disp))
			continue
		}
		r[i] = YMM()
		VBROADCASTF128(at(i, disp), r[i]) // which lives from here on, unlike one half
		VINSERTF128(operand.Imm(1), at(i+4, disp), r[i], r[i])
	}
	return transposed(r)
}

// Times is r <<= shift.
func Times(r reg.GPVirtual, shift int) {
	if ISA == NEON {
		armText("LSL $%d, %s, %s", shift, r, r)
	} else {
		SHLQ(operand.Imm(uint64(shift)), r)
	}
}

// Increase is to += n.
func Increase(to, n reg.GPVirtual) {
	if ISA == NEON {
		armText("ADD %s, %s, %s", n, to, to)
	} else {
		ADDQ(n, to)
	}
}
