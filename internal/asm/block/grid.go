package block

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// A grid is a lattice whose points are codes: levels 0, 1, 2 … of so many
// positions, of so many bits each. Level l stands for 2l+1.
type grid struct {
	positions, bits, levels, entries int
	tables                           func(to, x, w reg.GPVirtual) // emits those of lines
	odds                             func() Octet                 // what levels stand for
}

// GridsNEON is Grids for arm64.
func GridsNEON() {
	ISA = NEON
	Grids()
}

// Grids emits the search for the codes of a group at many scales, and their
// sums.
func Grids() {
	ternary := grid{8, 2, 3, 4, ternaryLines, oddsOfFour}
	octal := grid{4, 3, 8, 8, octalLines, oddsOfEight}
	ternary.round("roundTernary" + ISA)
	octal.round("roundOctal" + ISA)
	ternary.try("tryTernary" + ISA)
	octal.try("tryOctal" + ISA)
	ternary.nearest("nearestTernary" + ISA)
	octal.nearest("nearestOctal" + ISA)
	ternary.sums("sumTernary16"+ISA, 2)
	ternary.sums("sumTernary24"+ISA, 3)
	octal.sums("sumOctal24"+ISA, 3)
	octal.sums("sumOctal32"+ISA, 4)
}

// The layout of kernel.Grid: tables of lines, a then b; the slack of the group
// in all lanes; its sets of tries that are outside and in doubt; the number of the group,
// where its points and tries lie, and how many groups have the same; the lines of a list and its
// codes; their heights at two scales.
const (
	gridB       = 8 * 32
	gridSlack   = 2 * gridB
	gridOutside = gridSlack + 32
	gridDoubts  = gridOutside + 8
	gridGroup   = gridDoubts + 8
	gridRow     = gridGroup + 8
	gridTries   = gridRow + 8
	gridLeft    = gridTries + 8
	gridBlocks  = gridLeft + 8
	gridListA   = gridBlocks + 16
	gridMost    = 4 * (2048 + 8)
	gridListB   = gridListA + gridMost
	gridCodes   = gridListB + gridMost
	gridFirst   = gridCodes + gridMost
	gridLast    = gridFirst + gridMost
)

// The layout of kernel.TrySets.
const (
	setOutside = 4 * iota
	setEdges
	setStarts
	setDoubts
	setsBytes
)

// pointsBytes is what the points of a group take.
const pointsBytes = 2 * 32

// The layout of kernel.Tries: inverse scales, then scales.
const (
	triesScale = 4 * 40
	triesBytes = 2 * triesScale
	rowBytes   = 4 * 40
)

// above is higher than any line.
const above = 0x1p126

// shortList is up to which length the lines of a list are compared one after
// another, tries in lanes. In longer ones codes are in lanes, and two tries
// decide for those between.
const shortList = 16

// A gridTry is a search that is being emitted.
type gridTry struct {
	grid
	g, codes, list, length reg.GPVirtual
}

// lanes is the number of tries, or of codes, that an octet has.
const lanes = 8

func (s *gridTry) at(field int) Mem { return Mem{Base: s.g, Disp: field} }

// try emits the search for a set of groups. The error of a code at scale s
// compares like the line a·s + b, with a = Σwq² and b = -Σ2wqx, and a code whose
// line is lowest at two scales is lowest between them.
func (l grid) try(name string) {
	Begin(name, "func(grid, x, w, tries *float32, n, each, blocks int, sets *uint32, slacks *float32, rounded *uint16, codes *uint32, points *int32, few *uint16)",
		name+" chooses the codes of groups at n scales; see Grid.Try.")
	s := gridTry{grid: l, g: Argument("grid")}
	end, none := General(), General()
	SetTo(none, 0)
	StoreInteger(s.at(gridGroup), none)
	StoreInteger(s.at(gridTries), Argument("tries"))
	blocks := Argument("blocks")
	StoreInteger(s.at(gridBlocks), blocks)

	Mark("block")
	StoreInteger(s.at(gridLeft), Argument("each"))
	Mark("group")
	group := IntegerAt(s.at(gridGroup))
	at := General()
	Move64(at, group)
	Times(at, map[int]int{4: 4, 8: 5}[l.positions])
	x, w := Argument("x"), Argument("w")
	Increase(x, at)
	Increase(w, at)
	Everyone(Broadcast(Mem{Base: Argument("slacks"), Index: group, Scale: 4})).Put(s.at(gridSlack))
	row := Product(group, rowBytes)
	s.codes = Argument("codes")
	Increase(s.codes, row)
	points := Product(group, pointsBytes)
	Increase(points, Argument("rounded"))
	StoreInteger(s.at(gridRow), points)
	sets := Product(group, setsBytes)
	Increase(sets, Argument("sets"))
	starts := Word(Mem{Base: sets, Disp: setStarts})
	SetTo(end, 1)
	ShiftUpBy(end, Argument("n"))
	Merge(starts, end, 0)
	SetTo(none, 0)
	StoreInteger(s.at(gridOutside), none)
	StoreInteger(s.at(gridDoubts), none)

	following := General()
	s.entry(none, following)
	l.tables(s.g, x, w)

	Mark("run")
	first, past, bit, code := General(), General(), LowestBit(starts), General()
	FirstBit(first, starts)
	XorOr(starts, bit, "next")
	FirstBit(past, starts)
	Move64(code, following)
	s.entry(past, following)
	JumpUnlessNegative(code, "fill") // the point is in the book
	Invert(code)
	tries := LowestBit(starts)
	Subtract(tries, bit)
	MergeInto(s.at(gridOutside), tries)
	s.list = Argument("few")
	PointAt(s.list, Mem{Base: s.list, Index: code, Scale: 2})
	s.length = UnsignedHalfAt(Mem{Base: s.list})
	Advance(s.list, 2)
	for _, short := range []struct {
		name string
		most int
	}{{"few", lanes}, {"dozen", 12}, {"short", shortList}} {
		JumpIfMore(s.length, short.most, "not"+short.name)
		s.compareFew(short.name, short.most, first, past)
		Jump("run")
		Mark("not" + short.name)
	}
	Jump("long")
	Mark("tries")
	s.compare(first, past)
	Jump("run")

	Mark("long")
	s.lowestOfBoth(first, past, code, "tries")
	Mark("fill")
	all := Everyone(InAllLanes(code))
	Mark("filling")
	all.Put(Mem{Base: s.codes, Index: first, Scale: 4})
	Advance(first, lanes)
	JumpIfLess(first, past, "filling")
	Jump("run")

	Mark("next")
	group = IntegerAt(s.at(gridGroup))
	sets = Product(group, setsBytes)
	Increase(sets, Argument("sets"))
	StoreWord(Mem{Base: sets, Disp: setOutside}, IntegerAt(s.at(gridOutside)))
	StoreWord(Mem{Base: sets, Disp: setDoubts}, IntegerAt(s.at(gridDoubts)))
	Advance(group, 1)
	StoreInteger(s.at(gridGroup), group)
	left := IntegerAt(s.at(gridLeft))
	Advance(left, -1)
	StoreInteger(s.at(gridLeft), left)
	JumpIfMore(left, 0, "group")
	tries = IntegerAt(s.at(gridTries))
	Advance(tries, triesBytes)
	StoreInteger(s.at(gridTries), tries)
	blocks = IntegerAt(s.at(gridBlocks))
	Advance(blocks, -1)
	StoreInteger(s.at(gridBlocks), blocks)
	JumpIfMore(blocks, 0, "block")
	End()
}

// round emits the points and the slacks of the groups of sub-blocks, each of which has so
// many octets.
func (l grid) round(name string) {
	Begin(name, "func(x, w, tries *float32, n, octets, blocks int, sets *uint32, slacks *float32, rounded *uint16)", name+" rounds groups to the lattice at n scales; see Grid.Round.")
	x, w, tries, blocks := Argument("x"), Argument("w"), Argument("tries"), Argument("blocks")
	sets, slacks, points := Argument("sets"), Argument("slacks"), Argument("rounded")
	left, from := General(), General()
	Mark("block")
	Move64(left, Argument("octets"))
	Move64(from, x)
	l.findSlacks(x, w, tries, left, slacks)
	Move64(left, Argument("octets"))
	Times(left, map[int]int{4: 1, 8: 0}[l.positions])
	Mark("group")
	l.points(from, tries, sets, points)
	Advance(from, 4*l.positions)
	Advance(sets, setsBytes)
	Advance(points, pointsBytes)
	CountDown(left, "group")
	Advance(tries, triesBytes)
	CountDown(blocks, "block")
	End()
}

// entry emits what there is for the point of a try, and fetches its list if it has
// one.
func (s *gridTry) entry(try, entry reg.GPVirtual) {
	list, at := Argument("few"), General()
	point := UnsignedHalfAt(Mem{Base: IntegerAt(s.at(gridRow)), Index: try, Scale: 2})
	Move64(entry, SignedWordAt(Mem{Base: Argument("points"), Index: point, Scale: 4}))
	Move64(at, entry)
	Invert(at)
	Prefetch(Mem{Base: list, Index: at, Scale: 2})
}

// findSlacks emits, for each group, more than what rounding errors, of lines or
// of the sums that they stand for, can make of the difference of two lines: half
// a unit in the last place is 2^-24 of a value, lines are off by less than 12 of
// those in aa·s + ab + bb/s, the sums by less than 15, numbers in the place of
// four bits by less than 60, and the expression is largest at one end. It is
// infinite where sums may lose bits to underflow.
func (l grid) findSlacks(x, w, tries, left, to reg.GPVirtual) {
	last := Argument("n")
	// What aa, ab and bb are multiplied by at both ends.
	one := LoadV(Words("second_one", 0, 0x3f800000, 0, 0, 0, 0x3f800000, 0, 0))
	only := func(lane int) Op {
		lanes := make([]uint32, 8)
		lanes[lane], lanes[4+lane] = 0xffffffff, 0xffffffff
		return Words("lane"+string(rune('0'+lane)), lanes...)
	}
	end := func(inverse, scale Mem) Reg {
		return Or(Or(And(Broadcast(scale), only(0)), And(Broadcast(inverse), only(2))), one)
	}
	final := func(disp int) Mem { return Mem{Base: tries, Index: last, Scale: 4, Disp: disp - 4} }
	ends := [2]Reg{end(Mem{Base: tries}, Mem{Base: tries, Disp: triesScale}), end(final(0), final(triesScale))}
	least := Broadcast(final(triesScale))
	top, mask := LoadV(Constant(float32(2*l.levels-1))), LoadV(Bits(Magnitude))
	Mark("slack")
	var sums Octet // aa, ab, bb, bb of four values each
	for at := 0; at < OctetBytes; at += Width() {
		vw, vx := LoadV(Mem{Base: w, Disp: at}), And(mask, Mem{Base: x, Disp: at})
		wq := Mul(vw, top)
		aa, ab := Mul(wq, top), Mul(Add(wq, wq), vx)
		bb := Mul(Mul(vw, vx), vx)
		sums = append(sums, SumPairs(SumPairs(aa, ab), SumPairs(bb, bb)))
	}
	if l.positions == 8 {
		sums = SumHalves(sums)
	}
	for i, v := range sums {
		both := SumPairs(Mul(v, ends[0]), Mul(v, ends[1]))
		slack := Mul(MostOfPairs(SumPairs(both, both)), Constant(128./(1<<24)))
		// Is it between 1e-30 and 1e30, and slack·scale at least 1e-32?
		small := Least(Mul(Mul(slack, least), Constant(1e2)), slack)
		fine := And(compare(GreaterEqual, small, LoadV(Constant(1e-30))), compare(LessEqual, slack, LoadV(Constant(1e30))))
		sums[i] = Choose(fine, slack, LoadV(Bits(0x7f800000)))
	}
	groups := 8 / l.positions
	StoreFirstOf(Mem{Base: to}, sums, groups)
	Advance(to, 4*groups)
	Advance(x, OctetBytes)
	Advance(w, OctetBytes)
	CountDown(left, "slack")
}
