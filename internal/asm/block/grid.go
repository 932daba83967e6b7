package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// A grid is a lattice whose points are codes: levels 0, 1, 2 … of so many
// positions, of so many bits each. Level l stands for 2l+1.
type grid struct {
	positions, bits, levels int
	tables                  func(to, x, w reg.GPVirtual) // emits those of lines
	odds                    Mem                          // what levels stand for
}

// lookup emits the entries of a table for levels.
func (l grid) lookup(table Op, level Reg) Reg {
	out := YMM()
	if l.positions == 4 {
		VPERMPS(table, level, out)
		return out
	}
	if m, ok := table.(Mem); ok {
		table = LoadV(m)
	}
	VPERMILPS(level, table, out)
	return out
}

// Grids emits the search for the codes of a group at many scales, and their
// sums.
func Grids() {
	const one, three, five, seven = 0x3f800000, 0x40400000, 0x40a00000, 0x40e00000
	ternary := grid{8, 2, 3, ternaryLines, Words("odds4", one, three, five, seven, one, three, five, seven)}
	octal := grid{4, 3, 8, octalLines, odds()}
	ternary.try("tryTernaryAVX2")
	octal.try("tryOctalAVX2")
	ternary.sums("sumTernary16AVX2", 2)
	ternary.sums("sumTernary24AVX2", 3)
	octal.sums("sumOctal24AVX2", 3)
	octal.sums("sumOctal32AVX2", 4)
}

// The layout of kernel.Grid: tables of lines, a then b; the slack of the group
// in all lanes, and of each group; the sets of tries that are outside, unsure
// and first of a point, of the group and of each; the groups to come; the points of tries; the lines of a
// list and its codes; their heights at two scales.
const (
	gridB       = 8 * 32
	gridSlack   = 2 * gridB
	gridSlacks  = gridSlack + 32
	gridOutside = gridSlacks + 4*8
	gridUnsure  = gridOutside + 8
	gridStarts  = gridUnsure + 8
	gridSets    = gridStarts + 16
	gridLeft    = gridSets + 8*16
	gridGroup   = gridLeft + 8
	gridPoints  = gridGroup + 8
	gridListA   = gridPoints + 2*32
	gridMost    = 4 * (2048 + 8)
	gridListB   = gridListA + gridMost
	gridCodes   = gridListB + gridMost
	gridFirst   = gridCodes + gridMost
	gridLast    = gridFirst + gridMost
)

// The layout of kernel.Tries: inverse scales, then scales.
const (
	triesScale = 4 * 40
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

func pointer(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// lanes is the number of tries, or of codes, that a vector has.
const lanes = 8

// try emits the search for a set of groups. The error of a code at scale s
// compares like the line a·s - b, with a = Σwq² and b = Σ2wqx, and a code whose
// line is lowest at two scales is lowest between them.
func (l grid) try(name string) {
	TEXT(name, NOSPLIT, "func(grid, x, w, tries *float32, n, octets, set int, codes *uint32, points *int32, few *uint16)")
	Doc(name + " chooses the codes of groups at n scales; see Grid.Try.")
	Pragma("noescape")
	s := gridTry{grid: l, g: pointer("grid")}
	s.findSlacks()
	left := pointer("set")
	MOVQ(left, Mem{Base: s.g, Disp: gridLeft})

	Label("group")
	group, rest := GP64(), GP64()
	MOVQ(Mem{Base: s.g, Disp: gridLeft}, left)
	BSFQ(left, group)
	JZ(operand.LabelRef("done"))
	LEAQ(Mem{Base: left, Disp: -1}, rest)
	ANDQ(left, rest)
	MOVQ(rest, Mem{Base: s.g, Disp: gridLeft})
	MOVQ(group, Mem{Base: s.g, Disp: gridGroup})
	at := GP64()
	MOVQ(group, at)
	SHLQ(operand.Imm(map[int]uint64{4: 4, 8: 5}[l.positions]), at)
	x, w := pointer("x"), pointer("w")
	ADDQ(at, x)
	ADDQ(at, w)
	StoreV(Mem{Base: s.g, Disp: gridSlack}, Broadcast(Mem{Base: s.g, Index: group, Scale: 4, Disp: gridSlacks}))
	row := GP64()
	IMUL3Q(operand.Imm(rowBytes), group, row)
	s.codes = pointer("codes")
	ADDQ(row, s.codes)
	starts := s.points(x)
	none := GP64()
	XORQ(none, none)
	MOVQ(none, Mem{Base: s.g, Disp: gridOutside})

	following := GP64()
	s.entry(none, following)
	l.tables(s.g, x, w)

	Label("run")
	first, past, bit, code := GP64(), GP64(), LowestBit(starts), GP64()
	BSFQ(starts, first)
	XORQ(bit, starts)
	JZ(operand.LabelRef("next"))
	BSFQ(starts, past)
	MOVQ(following, code)
	s.entry(past, following)
	TESTQ(code, code)
	JGE(operand.LabelRef("fill")) // the point is in the book
	NOTQ(code)
	tries := LowestBit(starts)
	SUBQ(bit, tries)
	ORQ(tries, Mem{Base: s.g, Disp: gridOutside})
	s.list, s.length = pointer("few"), GP64()
	LEAQ(Mem{Base: s.list, Index: code, Scale: 2}, s.list)
	MOVWQZX(Mem{Base: s.list}, s.length)
	ADDQ(operand.Imm(2), s.list)
	for _, short := range []struct {
		name string
		most int
	}{{"few", lanes}, {"dozen", 12}, {"short", shortList}} {
		CMPQ(s.length, operand.Imm(uint64(short.most)))
		JG(operand.LabelRef("not" + short.name))
		s.compareFew(short.name, short.most, first, past)
		JMP(operand.LabelRef("run"))
		Label("not" + short.name)
	}
	JMP(operand.LabelRef("long"))
	Label("tries")
	s.compare(first, past)
	JMP(operand.LabelRef("run"))

	Label("long")
	s.lowestOfBoth(first, past, code)
	JNE(operand.LabelRef("tries"))
	Label("fill")
	all := YMM()
	VMOVD(code.As32(), all.AsX())
	VPBROADCASTD(all.AsX(), all)
	Label("filling")
	StoreV(Mem{Base: s.codes, Index: first, Scale: 4}, all)
	ADDQ(operand.Imm(lanes), first)
	CMPQ(first, past)
	JL(operand.LabelRef("filling"))
	JMP(operand.LabelRef("run"))

	Label("next")
	MOVQ(Mem{Base: s.g, Disp: gridGroup}, group)
	SHLQ(operand.Imm(4), group)
	for i, field := range []int{gridOutside, gridUnsure, gridStarts} {
		set := GP64()
		MOVQ(Mem{Base: s.g, Disp: field}, set)
		MOVL(set.As32(), Mem{Base: s.g, Index: group, Scale: 1, Disp: gridSets + 4*i})
	}
	JMP(operand.LabelRef("group"))
	Label("done")
	VZEROUPPER()
	RET()
}

// entry emits what there is for the point of a try, and fetches its list if it has
// one.
func (s *gridTry) entry(try, entry reg.GPVirtual) {
	list, at := pointer("few"), GP64()
	MOVWLZX(Mem{Base: s.g, Index: try, Scale: 2, Disp: gridPoints}, entry.As32())
	MOVLQSX(Mem{Base: pointer("points"), Index: entry, Scale: 4}, entry)
	MOVQ(entry, at)
	NOTQ(at)
	PREFETCHT0(Mem{Base: list, Index: at, Scale: 2})
}

// findSlacks emits, for each group, more than what rounding errors, of lines or
// of the sums that they stand for, can make of the difference of two lines: half
// a unit in the last place is 2^-24 of a value, lines are off by less than 12 of
// those in aa·s + ab + bb/s, the sums by less than 15, numbers in the place of
// four bits by less than 60, and the expression is largest at one end. It is
// infinite where sums may lose bits to underflow.
func (s *gridTry) findSlacks() {
	x, w, left, to := pointer("x"), pointer("w"), pointer("octets"), GP64()
	last, tries := pointer("n"), pointer("tries")
	LEAQ(Mem{Base: s.g, Disp: gridSlacks}, to)
	// What aa, ab and bb are multiplied by at both ends.
	var ends [2]Reg
	for i := range ends {
		at := func(disp int) Mem { return Mem{Base: tries, Disp: disp} }
		if i == 1 {
			at = func(disp int) Mem { return Mem{Base: tries, Index: last, Scale: 4, Disp: disp - 4} }
		}
		pair, more, end := XMM(), XMM(), YMM()
		VMOVSS(at(triesScale), pair)
		VINSERTPS(operand.Imm(0x10), Constant(1), pair, pair)
		VMOVSS(at(0), more)
		VMOVLHPS(more, pair, pair)
		VINSERTF128(operand.Imm(1), pair, pair.AsY(), end)
		VINSERTF128(operand.Imm(0), pair, end, end)
		ends[i] = end
	}
	least := Broadcast(Mem{Base: tries, Index: last, Scale: 4, Disp: triesScale - 4})
	top, mask := LoadV(Constant(float32(2*s.levels-1))), LoadV(Bits(Magnitude))
	Label("slack")
	vw, vx := LoadV(Mem{Base: w}), And(mask, Mem{Base: x})
	wq := Mul(vw, top)
	sums := Mul(wq, top)
	VHADDPS(Mul(Add(wq, wq), vx), sums, sums)
	bb := Mul(Mul(vw, vx), vx)
	VHADDPS(bb, bb, bb)
	VHADDPS(bb, sums, sums) // aa, ab, bb, bb of the values of each half
	if s.positions == 8 {
		swapped := YMM()
		VPERM2F128(operand.Imm(1), sums, sums, swapped)
		VADDPS(swapped, sums, sums)
	}
	both := YMM()
	VHADDPS(Mul(sums, ends[1]), Mul(sums, ends[0]), both)
	VHADDPS(both, both, both)
	swapped := YMM()
	VPERMILPS(operand.Imm(0xb1), both, swapped)
	slack := Mul(Greatest(both, swapped), Constant(128./(1<<24)))
	// Is it between 1e-30 and 1e30, and slack·scale at least 1e-32?
	small := Least(Mul(Mul(slack, least), Constant(1e2)), slack)
	fine := And(compare(GreaterEqual, small, LoadV(Constant(1e-30))), compare(LessEqual, slack, LoadV(Constant(1e30))))
	VBLENDVPS(fine, slack, LoadV(Bits(0x7f800000)), slack)
	VMOVSS(slack.AsX(), Mem{Base: to})
	size := 4
	if s.positions == 4 {
		VEXTRACTF128(operand.Imm(1), slack, slack.AsX())
		VMOVSS(slack.AsX(), Mem{Base: to, Disp: 4})
		size = 8
	}
	ADDQ(operand.Imm(uint64(size)), to)
	ADDQ(operand.Imm(32), x)
	ADDQ(operand.Imm(32), w)
	DECQ(left)
	JNZ(operand.LabelRef("slack"))
}
