package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Codes of levels, eight in a vector: of 32 bits for AVX2, of 16 for NEON.

// CodesAt loads eight codes of 16 bits.
func CodesAt(m Mem) Reg {
	if ISA == NEON {
		return LoadV(m)
	}
	out := YMM()
	VPMOVZXWD(m, out)
	return out
}

// WideCodesAt loads eight codes that lie in 32 bits each.
func WideCodesAt(m Mem) Reg {
	if ISA == NEON {
		o := OctetAt(m)
		return binary(nil, uzp1|ofWords, o[0], o[1])
	}
	return LoadV(m)
}

// Wide are codes in 32 bits each.
func Wide(codes Reg) Octet {
	if ISA == NEON {
		return Octet{unary(nil, ushll|1<<20, codes), unary(nil, ushll|1<<20|upperHalf, codes)}
	}
	return Octet{codes}
}

// Digits gives, one call after another, what looks up the levels of eight codes, the
// first of which has the lowest bits. Codes that are not kept may be lost.
func Digits(codes Reg, bits int, kept bool) func() Octet {
	p := 0
	return func() (index Octet) {
		shift := bits * p
		p++
		if ISA != NEON {
			if shift > 0 {
				next := codes
				if kept {
					next = YMM()
				}
				VPSRLD(operand.Imm(uint64(bits)), codes, next)
				codes = next
			}
			return Octet{codes}
		}
		// Bytes of a float32 are at four times the level.
		level := codes
		if shift < 2 {
			level = ShiftLeft16(codes, 2-shift)
		} else {
			level = ShiftRight16(codes, shift-2)
		}
		mask := uint32(1<<bits-1) << 2
		level = Masked(level, Bits(mask<<16|mask))
		for _, to := range []Mem{
			Words("four_of_low", 0x00000000, 0x02020202, 0x04040404, 0x06060606),
			Words("four_of_high", 0x08080808, 0x0a0a0a0a, 0x0c0c0c0c, 0x0e0e0e0e),
		} {
			index = append(index, AddInt(binary(nil, tbl, level, to), Bits(0x03020100)))
		}
		return index
	}
}

// A Table has four or eight floats: four in both halves of a register of AVX2.
type Table []Op

// TableAt is one in memory.
func TableAt(m Mem, entries int) Table {
	switch {
	case ISA == NEON && entries == 8:
		o := OctetAt(m)
		armPair(o[0], o[1])
		return Table{o[0], o[1]}
	case ISA == NEON:
		return Table{LoadV(m)}
	}
	return Table{m}
}

// TableOf is one in registers, which are for nothing else.
func TableOf(o Octet) Table {
	if len(o) == 2 {
		armPair(o[0], o[1])
		return Table{o[0], o[1]}
	}
	return Table{o[0]}
}

// Lookup is what a table of so many entries has for digits.
func Lookup(t Table, entries int, index Octet) (out Octet) {
	if ISA == NEON {
		for _, i := range index {
			out = append(out, armTable(t, i))
		}
		return out
	}
	v := YMM()
	if entries == 8 {
		VPERMPS(t[0], index[0], v)
		return Octet{v}
	}
	if m, ok := t[0].(Mem); ok {
		t = Table{LoadV(m)}
	}
	VPERMILPS(index[0], t[0], v)
	return Octet{v}
}

// CodesByNumber are those of eight or sixteen codes whose numbers lanes have in their
// last bits.
func CodesByNumber(codes []Reg, number Octet) (out Octet) {
	if ISA == NEON {
		table := Table{codes[0]}
		if len(codes) == 2 {
			armPair(codes[0], codes[1])
			table = append(table, codes[1])
		}
		for _, n := range number {
			twice := ShiftLeft(Masked(n, Bits(uint32(8*len(codes)-1))), 1)
			BitOr(ShiftLeft(twice, 8), twice)
			BitOr(Bits(0xffff0100), twice) // the upper bytes are none
			out = append(out, armTable(table, twice))
		}
		return out
	}
	code := YMM()
	VPERMD(codes[0], number[0], code) // by the last three bits
	if len(codes) == 2 {
		fourth, high := YMM(), YMM()
		VPERMD(codes[1], number[0], high)
		VPSLLD(operand.Imm(28), number[0], fourth) // becomes the sign
		VBLENDVPS(fourth, high, code, code)
	}
	return Octet{code}
}

// armTable looks bytes up in one register or two that follow each other.
func armTable(t Table, index Reg) Reg {
	out, use := Vector(), []reg.Register{index}
	for _, r := range t {
		use = append(use, r.(reg.Register))
	}
	op := uint32(tbl | (len(t)-1)<<13)
	armWord([]reg.Register{out}, use, func(number func(reg.Register) int) uint32 {
		return op | uint32(number(index)<<16|number(use[1])<<5|number(out))
	})
	return out
}

// Lines gives the heights a·s + b, with one rounding, of lines in memory for eight s.
func Lines(a, b Mem) func(l int, s Octet) Octet {
	if ISA != NEON {
		return func(l int, s Octet) Octet {
			slope, height := Broadcast(a.Offset(4*l)), Broadcast(b.Offset(4*l))
			AddProduct(height, slope, s[0])
			return Octet{height}
		}
	}
	var slopes, starts Reg
	return func(l int, s Octet) (height Octet) {
		if l%4 == 0 {
			slopes, starts = LoadV(a.Offset(4*l)), LoadV(b.Offset(4*l))
		}
		for _, v := range s {
			h := Vector()
			arm2(dup|uint32(l%4<<3|4)<<16, h, starts)
			armInto(fmlaBy|uint32(l%4&1<<21|l%4>>1<<11), h, v, slopes)
			height = append(height, h)
		}
		return height
	}
}

// PutNumber replaces the bits of lanes that are not kept by those of a number.
func PutNumber(v, kept Reg, number uint32) {
	if ISA == NEON {
		armInto(insertUnless, v, Bits(number), kept)
		return
	}
	BitAnd(kept, v)
	if number > 0 {
		BitOr(Bits(number), v)
	}
}

// StoreHalfColumns stores, of eight rows of eight codes of 16 bits, the first code of each,
// then the second, and so on.
func StoreHalfColumns(to Mem, at func(row int) Mem) {
	lowWords := func(a, b Reg) Reg {
		return binary(func(b, a, o Op) { VPUNPCKLWD(b, a, o) }, zip1Bytes|ofWords, a, b)
	}
	highWords := func(a, b Reg) Reg {
		return binary(func(b, a, o Op) { VPUNPCKHWD(b, a, o) }, zip2Bytes|ofWords, a, b)
	}
	low := func(a, b Reg) Reg { return binary(func(b, a, o Op) { VPUNPCKLDQ(b, a, o) }, zip1, a, b) }
	high := func(a, b Reg) Reg { return binary(func(b, a, o Op) { VPUNPCKHDQ(b, a, o) }, zip2, a, b) }
	var pairs [][4]Reg // of columns, of four rows or of both fours
	for part := range OctetBytes / Width() {
		var r [4]Reg
		for i := range r {
			if ISA == NEON {
				r[i] = LoadV(at(4*part + i))
				continue
			}
			r[i] = YMM()
			VBROADCASTI128(at(i), r[i])
			VINSERTI128(operand.Imm(1), at(i+4), r[i], r[i])
		}
		// In an order that needs few registers.
		first, second := [2]Reg{0: lowWords(r[0], r[1])}, [2]Reg{0: highWords(r[0], r[1])}
		first[1], second[1] = lowWords(r[2], r[3]), highWords(r[2], r[3])
		pairs = append(pairs, [4]Reg{low(first[0], first[1]), high(first[0], first[1]), low(second[0], second[1]), high(second[0], second[1])})
	}
	for i, v := range pairs[0] {
		if ISA == NEON {
			StoreV(to.Offset(32*i), binary(nil, zip1|pairsOfTwo, v, pairs[1][i]))
			StoreV(to.Offset(32*i+16), binary(nil, zip2|pairsOfTwo, v, pairs[1][i]))
			continue
		}
		VPERMQ(operand.Imm(0xd8), v, v)
		StoreV(to.Offset(32*i), v)
	}
}

// ReplaceNegative is Replace where integers are negative.
func ReplaceNegative(n Reg, yes Op, v Reg) {
	if ISA == NEON {
		n = SignOf(n)
	}
	Replace(n, yes, v)
}
