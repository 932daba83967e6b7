package block

import (
	"fmt"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// NearCodes emits what chooses from lists the codes that are nearest to a group of
// values.
func NearCodes() {
	nearTernary()
	fewTernary()
}

// NearNEON emits the same for arm64.
func NearNEON() {
	ISA = NEON
	NearCodes()
}

// A nearSearch has the costs of levels: octet l has level l of eight positions.
type nearSearch struct {
	cost  [3]Octet
	known Octet // costs of the code of which the sum is known to be low
}

// units is how many units the excess of the known code has.
const units = 200

// tolerance is what a sum may exceed the least one by.
const tolerance = 10

// none is the greatest byte, which no sum that is reported has: where codes of a list
// end, others follow that cost so much.
const none = 255

// nearTernary emits a search in three steps.
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
func nearTernary() {
	name := "nearTernary" + ISA
	Begin(name, "func(x, w, values *float32, code uint32, planes *byte, blocks int, terms *float32, sums *byte, masks *uint32) bool",
		name+" reports codes, unless the rounding errors of costs are too large, or the sums.")
	var s nearSearch
	s.prices()
	least := leastOf(s.cost)
	lowest := sumExcesses(s.tables(least, s.unit(least)))
	reportWithin(limitAbove(lowest))
	known := General()
	SetTo(known, 1)
	Jump("done")
	Mark("unsure")
	SetTo(known, 0)
	Mark("done")
	GiveBool(known)
	End()
}

// unit emits how many units an excess of 1 has. It leaves the search where the
// excess of the known code is so small that rounding errors could matter.
func (s *nearSearch) unit(least Octet) (perUnit Reg) {
	total, excess := SumsOfLanes(s.known, Pairwise(Sub, s.known, least))
	bound := Higher(Mul(total, Constant(1./512)), Constant(1e-30))
	JumpUnlessAny([]Mask{Compare(Greater, excess, bound)}, "unsure")
	return Div(LoadV(Constant(units)), excess)
}

// sumExcesses emits the sums of all codes, 32 at a time, and the least of each
// byte.
func sumExcesses(table [4]Reg) (lowest Octet) {
	planes, left, sums := Argument("planes"), Argument("blocks"), Argument("sums")
	low := LoadV(Bits(0x0f0f0f0f))
	lowest = OctetOf(Ones)
	Mark("sum")
	var sum Octet
	for half := range 2 {
		for i, pairs := range OctetAt(Mem{Base: planes, Disp: 32 * half}) {
			first, second := NibblesOf(pairs, low)
			if half == 0 {
				sum = append(sum, BytesFrom(table[0], first))
			} else {
				AddWithin(sum[i], BytesFrom(table[2], first))
			}
			AddWithin(sum[i], BytesFrom(table[2*half+1], second))
		}
	}
	sum.Put(Mem{Base: sums})
	for i, v := range sum {
		LowerBytes(lowest[i], v)
	}
	Advance(planes, 64)
	Advance(sums, 32)
	CountDown(left, "sum")
	return lowest
}

// limitAbove emits the least sum of all and the tolerance, in every byte.
func limitAbove(lowest Octet) Reg {
	limit := LeastByte(lowest)
	Advance(limit, tolerance)
	JumpIfMore(limit, none-1, "unsure")
	return InAllBytes(limit)
}

// reportWithin emits a bit for each code whose sum is within the limit.
func reportWithin(most Reg) {
	again, masks, first := Argument("blocks"), Argument("masks"), Argument("sums")
	Mark("mask")
	StoreByteSet(Mem{Base: masks}, OctetAt(Mem{Base: first}).By(BytesWithin, most))
	Advance(first, 32)
	Advance(masks, 4)
	CountDown(again, "mask")
}

// prices computes and stores what all levels cost.
func (s *nearSearch) prices() {
	terms := Argument("terms")
	s.cost = pricesOf()
	s.known = knownOf(Everywhere("code"), s.cost)
	for l, c := range s.cost {
		c.Put(Mem{Base: terms, Disp: OctetBytes * l})
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

// leastOf is the least cost of each position.
func leastOf(cost [3]Octet) Octet {
	return Pairwise(Lesser, Pairwise(Lesser, cost[0], cost[1]), cost[2])
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

// tables has a table for each pair of positions: entry l + 4m is for level l of the
// first and level m of the second. What has a level that is none costs none's.
func (s *nearSearch) tables(least Octet, perUnit Reg) (table [4]Reg) {
	most := LoadV(Constant(none))
	rounded := [4]Octet{3: Everyone(LoadV(Bits(none)))}
	for l, cost := range s.cost {
		rounded[l] = Pairwise(Sub, cost, least).By(Mul, perUnit)
		for i, e := range rounded[l] {
			LowerTo(e, most)
			rounded[l][i] = ToInteger(e)
		}
	}
	b := LevelBytes(rounded)
	for k := range uint32(2) { // of the half: halves are positions 0…3, 4…7
		first := 0x0c080400 + 0x01010101*(2*k)
		second := 0x01010101 * (2*k + 1)
		var pairs Octet
		for _, v := range b {
			sum := BytesFrom(v, LoadV(Words(fmt.Sprintf("first%d", k), first, first, first, first, first, first, first, first)))
			AddWithin(sum, BytesFrom(v, LoadV(Words(fmt.Sprintf("second%d", k), second, second+0x04040404, second+0x08080808, second+0x0c0c0c0c,
				second, second+0x04040404, second+0x08080808, second+0x0c0c0c0c))))
			pairs = append(pairs, sum)
		}
		table[k], table[2+k] = HalvesInBoth(pairs)
	}
	return table
}
