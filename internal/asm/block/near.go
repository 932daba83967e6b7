package block

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// NearCodes emits the search for the codes of a list that may be the nearest to a
// group of values.
func NearCodes() {
	near("nearTernaryAVX2")
	fewTernary()
}

// A nearSearch has the costs of levels: vector l has level l of eight positions.
type nearSearch struct {
	cost  []Reg
	known Reg // costs of the code of which the sum is known to be low
}

// units is how many units the excess of the known code has.
const units = 200

// tolerance is what a sum may exceed the least one by.
const tolerance = 10

// near emits a search in three steps.
//
// The cost of a code is the sum of those of its levels. Less the least cost
// at each position, the excess, it is measured in units of a 200th of that of
// the known code, rounded to bytes at each position, and added with
// saturation by looking up pairs of positions in tables of 16 bytes.
//
// A sum of eight bytes is at most four units off, and rounding errors of the
// costs are less than another. So a code whose sum exceeds the least one by
// more than ten exceeds the least cost. The others are reported, a bit for
// each.
func near(name string) {
	TEXT(name, NOSPLIT, "func(x, w, values *float32, code uint32, planes *byte, blocks int, last uint32, terms *float32, sums *byte, masks *uint32) bool")
	Doc(name + " reports codes, unless the rounding errors of costs are too large, or the sums.")
	Pragma("noescape")
	var s nearSearch
	s.prices()
	least := s.cost[0]
	for _, c := range s.cost[1:] {
		least = Least(least, c)
	}
	perUnit := s.unit(least)
	table := ternaryTables(s, least, perUnit)
	lowest := sumExcesses(table)
	reportWithin(limitAbove(lowest))
	giveBool(1)
	Label("unsure")
	giveBool(0)
}

// unit emits how many units an excess of 1 has. It leaves the search where the
// excess of the known code is so small that rounding errors could matter.
func (s *nearSearch) unit(least Reg) (perUnit Reg) {
	known := s.known
	total, excess := YMM(), YMM()
	VMOVAPS(known, total)
	VSUBPS(least, known, excess)
	// Lanes 0 and 1 of each half of the sums are of the total and the excess.
	VHADDPS(excess, total, total)
	VHADDPS(total, total, total)
	high := XMM()
	VEXTRACTF128(operand.Imm(1), total, high)
	VADDPS(high, total.AsX(), total.AsX())
	VMOVSHDUP(total.AsX(), high) // the excess
	bound := XMM()
	VMULSS(Constant(1./512), total.AsX(), bound)
	VUCOMISS(bound, high)
	JBE(operand.LabelRef("unsure"))
	VUCOMISS(Constant(1e-30), high)
	JBE(operand.LabelRef("unsure"))
	perUnit = YMM()
	VMOVSS(Constant(units), bound)
	VDIVSS(high, bound, bound)
	VBROADCASTSS(bound, perUnit)
	return perUnit
}

// sumExcesses emits the sums of all codes, 32 at a time, and the least of each
// lane.
func sumExcesses(table [4]Reg) (lowest Reg) {
	planes, left := Load(Param("planes"), GP64()).(reg.GPVirtual), Load(Param("blocks"), GP64())
	sums := Load(Param("sums"), GP64()).(reg.GPVirtual)
	nibble := LoadV(Bits(0x0f0f0f0f))
	lowest = YMM()
	VPCMPEQB(lowest, lowest, lowest)
	Label("sum")
	var sum Reg
	for half := range 2 {
		pair := LoadV(Mem{Base: planes, Disp: 32 * half})
		for k := range 2 {
			index := YMM()
			if k == 0 {
				VPAND(nibble, pair, index)
			} else {
				VPSRLW(operand.Imm(4), pair, index)
				VPAND(nibble, index, index)
			}
			VPSHUFB(index, table[2*half+k], index)
			if sum != nil {
				VPADDUSB(sum, index, index)
			}
			sum = index
		}
	}
	DECQ(left)
	JNZ(operand.LabelRef("full"))
	spread := YMM() // what follows the list is not in it
	VBROADCASTSS(lastBits(), spread)
	VPSHUFB(LoadV(Words("byteOfBit", 0, 0, 0x01010101, 0x01010101, 0x02020202, 0x02020202, 0x03030303, 0x03030303)), spread, spread)
	VPAND(LoadV(Words("bitOfByte", 0x08040201, 0x80402010, 0x08040201, 0x80402010, 0x08040201, 0x80402010, 0x08040201, 0x80402010)), spread, spread)
	VPXOR(nibble, nibble, nibble)
	VPCMPEQB(nibble, spread, spread)
	VPOR(spread, sum, sum)
	StoreV(Mem{Base: sums}, sum)
	VPMINUB(sum, lowest, lowest)
	JMP(operand.LabelRef("least"))
	Label("full")
	StoreV(Mem{Base: sums}, sum)
	VPMINUB(sum, lowest, lowest)
	ADDQ(operand.Imm(64), planes)
	ADDQ(operand.Imm(32), sums)
	JMP(operand.LabelRef("sum"))
	Label("least")
	return lowest
}

// limitAbove emits the least sum of all and the tolerance, in every byte.
func limitAbove(lowest Reg) Reg {
	half, odd := XMM(), XMM()
	VEXTRACTI128(operand.Imm(1), lowest, half)
	VPMINUB(half, lowest.AsX(), half)
	VPSRLW(operand.Imm(8), half, odd)
	VPMINUB(odd, half, half) // words, as the upper bytes of odd are 0
	VPHMINPOSUW(half, half)
	limit := GP32()
	VMOVD(half, limit)
	MOVWLZX(limit.As16(), limit)
	ADDL(operand.Imm(tolerance), limit)
	CMPL(limit, operand.U32(255))
	JGE(operand.LabelRef("unsure"))
	most := YMM()
	VMOVD(limit, most.AsX())
	VPBROADCASTB(most.AsX(), most)
	return most
}

// reportWithin emits a bit for each code whose sum is within the limit.
func reportWithin(most Reg) {
	again, masks := Load(Param("blocks"), GP64()), Load(Param("masks"), GP64()).(reg.GPVirtual)
	first := Load(Param("sums"), GP64()).(reg.GPVirtual)
	Label("mask")
	v, kept, set := LoadV(Mem{Base: first}), YMM(), GP32()
	VPMINUB(most, v, kept)
	VPCMPEQB(kept, v, v)
	VPMOVMSKB(v, set)
	MOVL(set, Mem{Base: masks})
	ADDQ(operand.Imm(32), first)
	ADDQ(operand.Imm(4), masks)
	DECQ(again)
	JNZ(operand.LabelRef("mask"))
}

func giveBool(b uint8) {
	r := GP8()
	MOVB(operand.U8(b), r)
	Store(r, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func lastBits() Mem {
	p, _ := Param("last").Resolve()
	return p.Addr
}

// prices computes and stores what all levels cost.
func (s *nearSearch) prices() {
	terms, cost := Argument("terms"), pricesOf()
	s.known = knownOf(Everywhere("code"), cost)[0]
	for l, c := range cost {
		c.Put(Mem{Base: terms, Disp: 32 * l})
		s.cost = append(s.cost, c[0])
	}
}

// pricesOf computes w·(value-x)² of all levels.
func pricesOf() (cost [3]Octet) {
	values := Argument("values")
	x, w := OctetAt(Mem{Base: Argument("x")}), OctetAt(Mem{Base: Argument("w")})
	for l := range 3 {
		d := Pairwise(Sub, Everyone(Broadcast(Mem{Base: values, Disp: 4 * l})), x)
		cost[l] = Pairwise(Mul, Pairwise(Mul, w, d), d)
	}
	return cost
}

// knownOf has the costs of a code that all lanes have.
func knownOf(code Reg, cost [3]Octet) (known Octet) {
	for l, costs := range cost {
		level, own := wordsOfLevel(l), wordsOfLevel(3)
		for i, c := range costs {
			is := Only(EqualInt(Masked(code, own[i]), level[i]), c)
			if l == 0 {
				known = append(known, is)
			} else {
				BitOr(is, known[i])
			}
		}
	}
	return known
}

// wordsOfLevel has a level in the two bits of each position.
func wordsOfLevel(l int) []Op {
	var words [8]uint32
	for p := range words {
		words[p] = uint32(l) << (2 * p)
	}
	var all []Op
	for _, m := range OctetWords(fmt.Sprintf("level%d", l), words[:]...) {
		all = append(all, LoadV(m))
	}
	return all
}

// bytesOf packs the excesses to bytes: level l of position p of each half of
// a register is byte 4l + p of that half.
func (s nearSearch) bytesOf(least, perUnit Reg) Reg {
	most := LoadV(Constant(255))
	var n [4]Reg
	for l := range n {
		if l == len(s.cost) {
			n[l] = Zero()
			continue
		}
		e := Mul(Sub(s.cost[l], least), perUnit)
		VMINPS(most, e, e)
		n[l] = YMM()
		VCVTPS2DQ(e, n[l])
	}
	VPACKSSDW(n[1], n[0], n[0])
	VPACKSSDW(n[3], n[2], n[2])
	VPACKUSWB(n[2], n[0], n[0])
	return n[0]
}

// ternaryTables has a table for each pair of positions: entry l + 4m is for
// level l of the first and level m of the second.
func ternaryTables(s nearSearch, least, perUnit Reg) (table [4]Reg) {
	b := s.bytesOf(least, perUnit)
	for k := range uint32(2) { // of the half: halves are positions 0…3, 4…7
		first, second := YMM(), YMM()
		p := 0x01010101 * (2 * k)
		row := p + 0x0c080400
		VPSHUFB(Words("first"+string(rune('0'+k)), row, row, row, row, row, row, row, row), b, first)
		p += 0x01010101
		VPSHUFB(Words("second"+string(rune('0'+k)), p, p+0x04040404, p+0x08080808, p+0x0c0c0c0c, p, p+0x04040404, p+0x08080808, p+0x0c0c0c0c), b, second)
		VPADDUSB(second, first, first)
		low, high := YMM(), YMM()
		VPERM2I128(operand.Imm(0x00), first, first, low)
		VPERM2I128(operand.Imm(0x11), first, first, high)
		table[k], table[2+k] = low, high
	}
	return table
}
