package block

import (
	"math"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// PreparesNEON is Prepares for arm64.
func PreparesNEON() {
	ISA = NEON
	Prepares()
}

// Prepares emits what comes before and after the search for codes: magnitudes,
// signs and weights of values, the scales to try, the best of them.
func Prepares() {
	importance()
	prepare("prepare"+ISA, false)
	prepare("prepareEven"+ISA, true)
	spreadTries()
	bestTries()
}

// octet is the size of eight values.
const octet = 32

// eachOf calls f for the places of the vectors of eight values.
func eachOf(f func(at int)) {
	for at := 0; at < octet; at += Width() {
		f(at)
	}
}

// importance emits w = weights·√(variance + x²).
func importance() {
	name := "importance" + ISA
	Begin(name, "func(w, x, weights *float32, octets int, variance float32)", name+" weighs eight values at a time; see Importance.")
	w, x, weights, left := Argument("w"), Argument("x"), Argument("weights"), Argument("octets")
	variance := Everywhere("variance")
	Mark("octet")
	eachOf(func(at int) {
		v := LoadV(Mem{Base: x, Disp: at})
		StoreV(Mem{Base: w, Disp: at}, Mul(Sqrt(Add(variance, Mul(v, v))), Mem{Base: weights, Disp: at}))
	})
	for _, p := range []reg.GPVirtual{w, x, weights} {
		Advance(p, octet)
	}
	CountDown(left, "octet")
	End()
}

// prepare emits magnitudes, signs and roots of weights. If minuses have to be
// even, the value that loses least by it, the first on a tie, gets the wrong
// sign where they are not.
func prepare(name string, even bool) {
	Begin(name, "func(magnitude, root, x, w *float32, octets int, minus *uint8, tops *float32)",
		name+" splits values into magnitudes and signs; see Prepare.")
	magnitudes, roots, x, w := Argument("magnitude"), Argument("root"), Argument("x"), Argument("w")
	left, minus := Argument("octets"), Argument("minus")
	mask, none := LoadV(Bits(Magnitude)), Zero()
	top, reach := LoadV(Constant(-0x1.fffffep127)), Zero()
	Mark("octet")
	var weight, magnitude []Reg
	var negative []Mask
	eachOf(func(at int) {
		value := LoadV(Mem{Base: x, Disp: at})
		weight = append(weight, LoadV(Mem{Base: w, Disp: at}))
		StoreV(Mem{Base: roots, Disp: at}, Sqrt(weight[len(weight)-1]))
		magnitude = append(magnitude, And(value, mask))
		negative = append(negative, Compare(Less, value, none))
	})
	set := OctetBits(negative)
	for _, m := range magnitude {
		RaiseTo(reach, m)
	}
	if even {
		makeEven(set, weight, magnitude)
	}
	for i, m := range magnitude {
		StoreV(Mem{Base: magnitudes, Disp: Width() * i}, m)
		RaiseTo(top, m)
	}
	StoreByte(Mem{Base: minus}, set)
	for _, p := range []reg.GPVirtual{magnitudes, roots, x, w} {
		Advance(p, octet)
	}
	Advance(minus, 1)
	CountDown(left, "octet")
	tops := Argument("tops")
	for i, v := range []Reg{top, reach} {
		StoreFirst(Mem{Base: tops, Disp: 4 * i}, MostAcross(v))
	}
	End()
}

// makeEven emits the change of a sign in an odd set.
func makeEven(set reg.GPVirtual, weight, magnitude []Reg) {
	var loss []Reg
	for i, m := range magnitude {
		loss = append(loss, Mul(Mul(weight[i], m), m))
	}
	bit := LowestBit(leastLanes(loss))
	AndBits(bit, AllBitsIfOdd(set))
	XorInto(set, bit)
	all := InAllLanes(bit)
	for i, bits := range OctetWords("lanes", 1, 2, 4, 8, 16, 32, 64, 128) {
		lane := LoadV(bits)
		hit := Masked(EqualInt(Masked(all, lane), lane), Bits(SignBit))
		magnitude[i] = Xor(magnitude[i], hit)
	}
}

// leastLanes emits the set of lanes with the least of eight values.
func leastLanes(v []Reg) reg.GPVirtual {
	least := v[0]
	for _, other := range v[1:] {
		least = Least(least, other)
	}
	least = LeastAcross(least)
	var is []Mask
	for _, x := range v {
		is = append(is, Compare(Equal, x, least))
	}
	return OctetBits(is)
}

// spreadTries emits inverse scales, numerators divided by a limit, and scales.
func spreadTries() {
	name := "spreadTries" + ISA
	Begin(name, "func(tries, numerators *float32, octets int, limit float32)", name+" sets eight tries at a time; see Tries.Spread.")
	tries, numerators, left := Argument("tries"), Argument("numerators"), Argument("octets")
	limit, one := Everywhere("limit"), LoadV(Constant(1))
	Mark("octet")
	eachOf(func(at int) {
		inverse := Div(LoadV(Mem{Base: numerators, Disp: at}), limit)
		StoreV(Mem{Base: tries, Disp: at}, inverse)
		StoreV(Mem{Base: tries, Disp: triesScale + at}, Div(one, inverse))
	})
	Advance(tries, octet)
	Advance(numerators, octet)
	CountDown(left, "octet")
	End()
}

// bestTries emits, of each sub-block, the set of tries whose lx²/ll is within 2^-16 of the greatest,
// empty where the numbers are so small that squares lose bits.
func bestTries() {
	name := "bestTries" + ISA
	Begin(name, "func(sums *float32, n, blocks int, best *uint32)", name+" finds the tries that explain most; see Grid.Best.")
	sums, n, blocks, to := Argument("sums"), Argument("n"), Argument("blocks"), Argument("best")
	none, length, at := Zero(), InAllLanes(n), General()
	Mark("block")
	most, number := Zero(), Numbers()
	SetTo(at, 0)
	Mark("scores")
	row := func(k int) Mem { return Mem{Base: sums, Index: at, Scale: 4, Disp: 4 * 32 * k} }
	lx, ll := LoadV(row(0)), LoadV(row(1))
	within := GreaterInt(length, number)
	IncreaseInts(number, Bits(uint32(Lanes())))
	score := And(And(Div(Mul(lx, lx), ll), within), Compare(Greater, ll, none).(Reg))
	StoreV(row(2), score)
	RaiseTo(most, score)
	Advance(at, Lanes())
	JumpIfLess(at, n, "scores")

	limit := Mul(MostAcross(most), Constant(1-1./(1<<16)))
	best, first := General(), General()
	SetTo(best, 0)
	SetTo(at, 0)
	Mark("candidates")
	set := LaneSet(Compare(GreaterEqual, LoadV(row(2)), limit))
	ShiftUpBy(set, at)
	Merge(best, set, 0)
	Advance(at, Lanes())
	JumpIfLess(at, n, "candidates")
	FirstBitOr(first, best, "unclear")
	square := Broadcast(Mem{Base: sums, Index: first, Scale: 4})
	JumpUnlessWithin(Mul(square, square), math.Float32bits(1e-30), math.Float32bits(1e30), "unclear")
	Jump("clear")
	Mark("unclear")
	SetTo(best, 0)
	Mark("clear")
	StoreWord(Mem{Base: to}, best)
	Advance(to, 4)
	Advance(sums, sumsBytes)
	CountDown(blocks, "block")
	End()
}
