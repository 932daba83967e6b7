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

// Grids emits the search for the codes of a group at many scales, and their
// sums.
func Grids() {
	const one, three, five, seven = 0x3f800000, 0x40400000, 0x40a00000, 0x40e00000
	ternary := grid{8, 2, 3, ternaryLines, Words("odds4", one, three, five, seven, one, three, five, seven, one, three, five, seven, one, three, five, seven)}
	octal := grid{4, 3, 8, octalLines, Words("odds8", one, three, five, seven, 0x41100000, 0x41300000, 0x41500000, 0x41700000,
		one, three, five, seven, 0x41100000, 0x41300000, 0x41500000, 0x41700000)}
	for _, ISA = range []string{AVX2, AVX512} {
		ternary.try("tryTernary" + ISA)
		octal.try("tryOctal" + ISA)
		vectors := func(tries int) int { return (4*tries + Width() - 1) / Width() }
		ternary.sums("sumTernary16"+ISA, vectors(16))
		ternary.sums("sumTernary24"+ISA, vectors(24))
		octal.sums("sumOctal24"+ISA, vectors(24))
		octal.sums("sumOctal32"+ISA, vectors(32))
	}
}

// The layout of kernel.Grid: tables of lines, a then b; the slack in all lanes;
// the points of tries; the lines of a list and its codes; their heights at two
// scales.
const (
	gridB      = 8 * 32
	gridSlack  = 2 * gridB
	gridPoints = gridSlack + 64
	gridListA  = gridPoints + 4*32
	gridMost   = 4 * (2048 + 16)
	gridListB  = gridListA + gridMost
	gridCodes  = gridListB + gridMost
	gridFirst  = gridCodes + gridMost
	gridLast   = gridFirst + gridMost
)

// The layout of kernel.Tries: inverse scales, then scales.
const (
	triesScale = 4 * 48
	rowBytes   = 4 * 48
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
	a, b                   []Reg // tables in registers, if there are enough
}

func pointer(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

func resultAt(i int) Mem {
	r, _ := ReturnIndex(i).Resolve()
	return r.Addr
}

// lanes is the number of values of a vector.
func lanes() int { return Width() / 4 }

// try emits the search. The error of a code at scale s compares like the line
// a·s - b, with a = Σwq² and b = Σ2wqx, and a code whose line is lowest at two
// scales is lowest between them.
func (l grid) try(name string) {
	TEXT(name, NOSPLIT, "func(grid, x, w, tries *float32, n int, codes *uint32, place *int32, near *uint16) (outside, unsure uint64)")
	Doc(name + " chooses the codes of a group at n scales; see Grid.Try.")
	Pragma("noescape")
	s := gridTry{grid: l, g: pointer("grid")}
	x, w := pointer("x"), pointer("w")
	held := ISA
	ISA = AVX2
	l.tables(s.g, x, w)
	s.findSlack(x, w)
	ISA = held
	s.loadTables()
	starts := s.points(x)
	s.codes = pointer("codes")
	none := GP64()
	XORQ(none, none)
	MOVQ(none, resultAt(0))
	MOVQ(none, resultAt(1))

	Label("run")
	first, past, bit := GP64(), GP64(), lowestBit(starts)
	BSFQ(starts, first)
	XORQ(bit, starts)
	JZ(operand.LabelRef("done"))
	BSFQ(starts, past)
	at, code := GP64(), GP64()
	MOVL(Mem{Base: s.g, Index: first, Scale: 4, Disp: gridPoints}, code.As32())
	MOVLQSX(Mem{Base: pointer("place"), Index: code, Scale: 4}, at)
	NOTQ(at)
	TESTQ(at, at)
	JL(operand.LabelRef("fill")) // the point is in the book
	tries := lowestBit(starts)
	SUBQ(bit, tries)
	ORQ(tries, resultAt(0))
	s.list, s.length = pointer("near"), GP64()
	LEAQ(Mem{Base: s.list, Index: at, Scale: 2}, s.list)
	MOVWQZX(Mem{Base: s.list}, s.length)
	ADDQ(operand.Imm(2), s.list)
	CMPQ(s.length, operand.Imm(shortList))
	JG(operand.LabelRef("long"))
	s.compareShort(first, past)
	JMP(operand.LabelRef("run"))
	Label("tries")
	s.compare(first, past)
	JMP(operand.LabelRef("run"))

	Label("long")
	s.lowestOfBoth(first, past, code)
	JNE(operand.LabelRef("tries"))
	Label("fill")
	all := Vector()
	if ISA == AVX512 {
		VPBROADCASTD(code.As32(), all)
	} else {
		VMOVD(code.As32(), all.AsX())
		VPBROADCASTD(all.AsX(), all)
	}
	Label("filling")
	StoreV(Mem{Base: s.codes, Index: first, Scale: 4}, all)
	ADDQ(operand.Imm(uint64(lanes())), first)
	CMPQ(first, past)
	JL(operand.LabelRef("filling"))
	JMP(operand.LabelRef("run"))
	Label("done")
	VZEROUPPER()
	RET()
}

func lowestBit(of reg.Register) reg.GPVirtual {
	out := GP64()
	MOVQ(of, out)
	NEGQ(out)
	ANDQ(of, out)
	return out
}

// loadTables emits tables of lines in registers: octal ones twice, and those of
// two ternary positions together.
func (s *gridTry) loadTables() {
	if ISA != AVX512 {
		return
	}
	for k, to := range []*[]Reg{&s.a, &s.b} {
		at := func(p int) Mem { return Mem{Base: s.g, Disp: gridB*k + 32*p} }
		for p := 0; p < s.positions; p++ {
			table := ZMM()
			if s.positions == 4 {
				VBROADCASTF64X4(at(p), table)
				*to = append(*to, table)
				continue
			}
			VBROADCASTF32X4(at(p), table)
			high := ZMM()
			VBROADCASTF32X4(at(p+1), high)
			VPERMPS(high, LoadV(Words("fours", 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)), high)
			*to = append(*to, Add(table, high))
			p++
		}
	}
}

// findSlack emits more than what rounding errors, of lines or of the sums that
// they stand for, can make of the difference of two lines: half a unit in the
// last place is 2^-24 of a value, lines are off by less than 12 of those in
// aa·s + ab + bb/s, the sums by less than 15, numbers in the place of four bits
// by less than 60, and the expression is largest at one end. It is infinite where sums may lose bits to underflow.
func (s *gridTry) findSlack(x, w reg.GPVirtual) {
	vx, vw := YMM(), YMM()
	if s.positions == 8 {
		VMOVUPS(Mem{Base: x}, vx)
		VMOVUPS(Mem{Base: w}, vw)
	} else {
		VMOVUPS(Mem{Base: x}, vx.AsX())
		VMOVUPS(Mem{Base: w}, vw.AsX())
	}
	VANDPS(Bits(Magnitude), vx, vx)
	top := LoadV(Constant(float32(2*s.levels - 1)))
	wq := Mul(vw, top)
	aa, ab, bb := Mul(wq, top), Mul(Add(wq, wq), vx), Mul(Mul(vw, vx), vx)
	// Lanes 0, 1 and 2 of each half become sums.
	VHADDPS(ab, aa, aa)
	VHADDPS(bb, bb, bb)
	VHADDPS(bb, aa, aa)
	high, sums := XMM(), XMM()
	VEXTRACTF128(operand.Imm(1), aa, high)
	VADDPS(high, aa.AsX(), sums)
	last, scales := Load(Param("n"), GP64()).(reg.GPVirtual), pointer("tries")
	var ends [2]reg.VecVirtual
	sumB, sumBB := XMM(), XMM()
	VMOVSHDUP(sums, sumB)
	VPERMILPS(operand.Imm(2), sums, sumBB)
	for i := range ends {
		inverse, scale := Mem{Base: scales}, Mem{Base: scales, Disp: triesScale}
		if i == 1 {
			inverse = Mem{Base: scales, Index: last, Scale: 4, Disp: -4}
			scale = Mem{Base: scales, Index: last, Scale: 4, Disp: triesScale - 4}
		}
		end, more := XMM(), XMM()
		VMULSS(scale, sums, end)
		VMULSS(inverse, sumBB, more)
		VADDSS(sumB, end, end)
		VADDSS(more, end, end)
		ends[i] = end
	}
	slack := ends[0]
	VMAXSS(ends[1], slack, slack)
	VMULSS(Constant(128./(1<<24)), slack, slack)
	// Is it between 1e-30 and 1e30, and slack·scale at least 1e-32?
	least := XMM()
	VMULSS(Mem{Base: scales, Index: last, Scale: 4, Disp: triesScale - 4}, slack, least)
	VMULSS(Constant(1e2), least, least)
	VMINSS(least, slack, least)
	VUCOMISS(Constant(1e-30), least)
	JB(operand.LabelRef("infinite")) // or NaN
	VUCOMISS(Constant(1e30), slack)
	JBE(operand.LabelRef("finite"))
	Label("infinite")
	VMOVSS(Bits(0x7f800000), slack)
	Label("finite")
	all := YMM()
	VBROADCASTSS(slack, all)
	StoreV(Mem{Base: s.g, Disp: gridSlack}, all)
	StoreV(Mem{Base: s.g, Disp: gridSlack + 32}, all)
}

// points emits the points of all tries. Bits of the result tell the tries
// whose point is not that of the one before, and the end.
func (s *gridTry) points(x reg.GPVirtual) (starts reg.GPVirtual) {
	changed, k, n := GP64(), GP64(), Load(Param("n"), GP64())
	XORQ(changed, changed)
	XORQ(k, k)
	tries, half := pointer("tries"), LoadV(Constant(0.5))
	none, top, before := Zero(), LoadV(Bits(uint32(s.levels-1))), Zero()
	Label("points")
	inverse := Mul(half, Mem{Base: tries, Index: k, Scale: 4})
	var point Reg
	for i := range s.positions {
		// (v·inverse - 1)/2, rounded: halves are exact.
		l := ToInteger(Sub(Mul(inverse, Broadcast(Mem{Base: x, Disp: 4 * i})), half))
		VPMAXSD(none, l, l)
		VPMINSD(top, l, l)
		if i == 0 {
			point = l
			continue
		}
		VPSLLD(operand.Imm(uint64(i*s.bits)), l, l)
		VPADDD(l, point, point)
	}
	StoreV(Mem{Base: s.g, Index: k, Scale: 4, Disp: gridPoints}, point)
	previous, new := Vector(), GP64()
	if ISA == AVX512 {
		differ := K()
		VALIGND(operand.Imm(15), before, point, previous)
		VMOVAPS(point, before)
		VPCMPD(operand.Imm(4), previous, point, differ)
		KMOVW(differ, new.As32())
	} else {
		turned := YMM()
		VPERMD(point, LoadV(Words("back", 7, 0, 1, 2, 3, 4, 5, 6)), turned)
		VPBLENDD(operand.Imm(1), before, turned, previous)
		VMOVAPS(turned, before)
		VPCMPEQD(previous, point, previous)
		VMOVMSKPS(previous, new.As32())
		XORQ(operand.Imm(0xff), new)
	}
	MOVQ(k, reg.RCX)
	SHLQ(reg.CL, new)
	ORQ(new, changed)
	ADDQ(operand.Imm(uint64(lanes())), k)
	CMPQ(k, n)
	JL(operand.LabelRef("points"))
	end, starts := GP64(), GP64()
	MOVQ(n, reg.RCX)
	MOVQ(operand.U32(1), end)
	SHLQ(reg.CL, end)
	LEAQ(Mem{Base: end, Disp: -1}, starts)
	ORQ(operand.Imm(1), changed)
	ANDQ(changed, starts)
	ORQ(end, starts)
	return starts
}

// lines emits the lines of as many codes as there are lanes. What follows the
// list is in it, too.
func (s *gridTry) lines(list Mem) (a, b, codes Reg) {
	codes = Vector()
	VPMOVZXWD(list, codes)
	code, positions, bits := codes, s.positions, s.bits
	if s.a != nil && positions == 8 {
		positions, bits = 4, 4 // in pairs
	}
	for p := range positions {
		if p > 0 {
			next := Vector()
			VPSRLD(operand.Imm(uint64(bits)), code, next)
			code = next
		}
		pa, pb := Vector(), Vector()
		switch {
		case s.a != nil:
			VPERMPS(s.a[p], code, pa)
			VPERMPS(s.b[p], code, pb)
		case s.positions == 8:
			VPERMILPS(code, LoadV(Mem{Base: s.g, Disp: 32 * p}), pa)
			VPERMILPS(code, LoadV(Mem{Base: s.g, Disp: gridB + 32*p}), pb)
		default:
			VPERMPS(Mem{Base: s.g, Disp: 32 * p}, code, pa)
			VPERMPS(Mem{Base: s.g, Disp: gridB + 32*p}, code, pb)
		}
		if p == 0 {
			a, b = pa, pb
			continue
		}
		a, b = Add(a, pa), Add(b, pb)
	}
	return a, b, codes
}

// numbers emits those of lanes, and the length of the list in all of them.
func (s *gridTry) numbers() (number, length Reg) {
	number, length = LoadV(Words("iota", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)), Vector()
	VMOVQ(s.length, length.AsX())
	VPBROADCASTD(length.AsX(), length)
	return number, length
}

// raise puts what follows the list above all.
func (s *gridTry) raise(a, b, number, length Reg) {
	if ISA == AVX512 {
		past := K()
		VPCMPD(operand.Imm(2), number, length, past)
		VMOVAPS(LoadV(Constant(-above)), past, b)
		VMOVAPS(Zero(), past, a)
		return
	}
	within := YMM()
	VPCMPGTD(number, length, within)
	VANDPS(within, a, a)
	VBLENDVPS(within, b, LoadV(Constant(-above)), b)
}

func (s *gridTry) keepLines(a, b, codes Reg, at func(field int) Mem) {
	StoreV(at(gridListA), a)
	StoreV(at(gridListB), b)
	StoreV(at(gridCodes), codes)
}

// compareShort is compare for lists of up to sixteen. The numbers of lines take
// the place of the last four bits of their heights, which the slack allows for.
func (s *gridTry) compareShort(first, past reg.GPVirtual) {
	number, length := s.numbers()
	var codes []Reg
	for from := 0; from < shortList; from += lanes() {
		a, b, code := s.lines(Mem{Base: s.list, Disp: 2 * from})
		s.raise(a, b, number, length)
		StoreV(Mem{Base: s.g, Disp: gridListA + 4*from}, a)
		StoreV(Mem{Base: s.g, Disp: gridListB + 4*from}, b)
		if codes = append(codes, code); ISA == AVX2 {
			VPADDD(Bits(8), number, number)
		}
	}
	Label("short")
	scale := LoadV(Mem{Base: pointer("tries"), Index: first, Scale: 4, Disp: triesScale})
	low, next, clear := LoadV(Constant(above)), LoadV(Constant(above)), LoadV(Bits(^uint32(shortList-1)))
	for l := range shortList {
		if l == shortList/2 {
			CMPQ(s.length, operand.Imm(shortList/2))
			JLE(operand.LabelRef("half"))
		}
		s.offer(l, scale, clear, low, next)
	}
	Label("half")
	rank, code := Vector(), Vector()
	if ISA == AVX512 {
		VPANDD(Bits(shortList-1), low, rank)
		VPERMD(codes[0], rank, code)
	} else {
		high := YMM()
		VPAND(Bits(shortList-1), low, rank)
		VPERMD(codes[0], rank, code)
		VPERMD(codes[1], rank, high)
		VPSLLD(operand.Imm(28), rank, rank) // bit 3 becomes the sign
		VBLENDVPS(rank, high, code, code)
	}
	StoreV(Mem{Base: s.codes, Index: first, Scale: 4}, code)
	s.doubt(first, past, low, next, "shortSure")
	ADDQ(operand.Imm(uint64(lanes())), first)
	CMPQ(first, past)
	JL(operand.LabelRef("short"))
}

// offer emits the height of line l and its place among the lowest two.
func (s *gridTry) offer(l int, scale, clear, low, next Reg) {
	a, b := Mem{Base: s.g, Disp: gridListA + 4*l}, Mem{Base: s.g, Disp: gridListB + 4*l}
	height := Vector()
	if ISA == AVX512 {
		VMULPS_BCST(a, scale, height)
		VSUBPS_BCST(b, height, height)
		VPTERNLOGD(operand.Imm(0xea), Bits(uint32(l)), clear, height) // height&clear | l
	} else {
		VMULPS(Broadcast(a), scale, height)
		VSUBPS(Broadcast(b), height, height)
		VPAND(clear, height, height)
		VPOR(Bits(uint32(l)), height, height)
	}
	VMINPS(Greatest(low, height), next, next)
	VMINPS(height, low, low)
}

// doubt emits what becomes of tries where another line is not higher than the
// lowest by more than the slack: they are unsure. Bits past the run belong to
// those that come.
func (s *gridTry) doubt(first, past reg.GPVirtual, low, next Reg, sure string) {
	lower := LaneBits(Compare(Less, LoadV(Mem{Base: s.g, Disp: gridSlack}), Sub(next, low))).As64()
	doubt := GP64()
	MOVQ(operand.U32(1<<lanes()-1), doubt)
	XORQ(lower, doubt)
	JZ(operand.LabelRef(sure))
	MOVQ(first, reg.RCX)
	SHLQ(reg.CL, doubt)
	within := GP64()
	MOVQ(operand.U32(1), within)
	MOVQ(past, reg.RCX)
	SHLQ(reg.CL, within)
	DECQ(within)
	ANDQ(within, doubt)
	ORQ(doubt, resultAt(1))
	Label(sure)
}

// compare emits the choice of the lowest line of a list at the tries from first
// to past.
func (s *gridTry) compare(first, past reg.GPVirtual) {
	Label("vector")
	scale := LoadV(Mem{Base: pointer("tries"), Index: first, Scale: 4, Disp: triesScale})
	low, next, code := LoadV(Constant(above)), LoadV(Constant(above)), Zero()
	at, end := GP64(), GP64()
	MOVQ(s.g, at)
	LEAQ(Mem{Base: s.g, Index: s.length, Scale: 4}, end)
	Label("line")
	height := Sub(Mul(scale, Broadcast(Mem{Base: at, Disp: gridListA})), Broadcast(Mem{Base: at, Disp: gridListB}))
	lower := Compare(Less, height, low)
	if ISA == AVX512 {
		VPBROADCASTD(Mem{Base: at, Disp: gridCodes}, lower, code)
	} else {
		VBLENDVPS(lower, Broadcast(Mem{Base: at, Disp: gridCodes}), code, code)
	}
	VMINPS(Greatest(low, height), next, next)
	VMINPS(height, low, low)
	ADDQ(operand.Imm(4), at)
	CMPQ(at, end)
	JL(operand.LabelRef("line"))
	StoreV(Mem{Base: s.codes, Index: first, Scale: 4}, code)

	s.doubt(first, past, low, next, "sure")
	ADDQ(operand.Imm(uint64(lanes())), first)
	CMPQ(first, past)
	JL(operand.LabelRef("vector"))
}

// field is where a vector of a field of the grid lies.
func (s *gridTry) field(field int, from reg.GPVirtual) Mem {
	return Mem{Base: s.g, Index: from, Scale: 4, Disp: field}
}

// each emits a loop over the list, as many codes at a time as there are lanes.
func (s *gridTry) each(label string, body func(from reg.GPVirtual)) {
	from := GP64()
	XORQ(from, from)
	Label(label)
	body(from)
	ADDQ(operand.Imm(uint64(lanes())), from)
	CMPQ(from, s.length)
	JL(operand.LabelRef(label))
}

// lowestOfBoth emits the lines of the list and the code that is lowest at the
// first and at the last try. "Equal" says that it is the same, and lower than
// all others by more than the slack.
func (s *gridTry) lowestOfBoth(first, past, code reg.GPVirtual) {
	tries := pointer("tries")
	scale := [2]Reg{
		Broadcast(Mem{Base: tries, Index: first, Scale: 4, Disp: triesScale}),
		Broadcast(Mem{Base: tries, Index: past, Scale: 4, Disp: triesScale - 4}),
	}
	low := [2]Reg{LoadV(Constant(above)), LoadV(Constant(above))}
	number, length := s.numbers()
	s.each("lines", func(from reg.GPVirtual) {
		a, b, codes := s.lines(Mem{Base: s.list, Index: from, Scale: 2})
		s.raise(a, b, number, length)
		VPADDD(Bits(uint32(lanes())), number, number)
		s.keepLines(a, b, codes, func(field int) Mem { return s.field(field, from) })
		for i, field := range []int{gridFirst, gridLast} {
			height := Sub(Mul(scale[i], a), b)
			StoreV(s.field(field, from), height)
			VMINPS(height, low[i], low[i])
		}
	})
	limit := [2]Reg{s.limit(low[0]), s.limit(low[1])}
	count, at := GP64(), [2]reg.GPVirtual{GP64(), GP64()}
	XORQ(count, count)
	MOVQ(operand.I32(-1), at[0])
	MOVQ(operand.I32(-1), at[1])
	s.each("candidates", func(from reg.GPVirtual) {
		for i, field := range []int{gridFirst, gridLast} {
			s.count(field, from, limit[i], count, at[i])
		}
	})
	MOVWQZX(Mem{Base: s.list, Index: at[0], Scale: 2}, code)
	XORQ(operand.Imm(2), count)
	XORQ(at[0], at[1])
	ORQ(count, at[1])
}

// limit emits the height of the lowest line and the slack.
func (s *gridTry) limit(low Reg) Reg {
	if ISA == AVX512 {
		high := YMM()
		VEXTRACTF64X4(operand.Imm(1), low, high)
		VMINPS(high, low.AsY(), low.AsY())
	}
	half, other := YMM(), YMM()
	VPERM2F128(operand.Imm(1), low.AsY(), low.AsY(), half)
	VMINPS(half, low.AsY(), half)
	for _, order := range []uint64{0x4e, 0xb1} {
		VPERMILPS(operand.Imm(order), half, other)
		VMINPS(other, half, half)
	}
	all := half
	if ISA == AVX512 {
		all = ZMM()
		VBROADCASTSS(half.AsX(), all)
	}
	return Add(all, Mem{Base: s.g, Disp: gridSlack})
}

// count emits how many of some lines are not above a limit, and the place of
// one that is not.
func (s *gridTry) count(field int, from reg.GPVirtual, limit Reg, count, at reg.GPVirtual) {
	set, some := LaneBits(Compare(LessEqual, LoadV(s.field(field, from)), limit)).As64(), GP64()
	POPCNTQ(set, some)
	ADDQ(some, count)
	BSFQ(set, some)
	LEAQ(Mem{Base: from, Index: some, Scale: 1}, some)
	CMOVQNE(some, at)
}

// sums emits Σw·l·x and Σw·l² of the codes of groups, tries in the lanes of so
// many vectors.
func (l grid) sums(name string, vectors int) {
	TEXT(name, NOSPLIT, "func(x, w *float32, codes *uint32, groups int, sums *float32)")
	Doc(name + " adds the terms of codes in the order of positions; see Grid.Sum.")
	Pragma("noescape")
	x, w, codes, left := pointer("x"), pointer("w"), pointer("codes"), pointer("groups")
	odds := LoadV(l.odds)
	lx, ll, code := make([]Reg, vectors), make([]Reg, vectors), make([]Reg, vectors)
	for v := range vectors {
		lx[v], ll[v], code[v] = Zero(), Zero(), Vector()
	}
	Label("group")
	for v := range vectors {
		VMOVUPS(Mem{Base: codes, Disp: Width() * v}, code[v])
	}
	for p := range l.positions {
		weight := Broadcast(Mem{Base: w, Disp: 4 * p})
		tx := Mul(Mul(weight, Broadcast(Mem{Base: x, Disp: 4 * p})), odds)
		tl := Mul(Mul(weight, odds), odds)
		for v := range vectors {
			if p > 0 {
				VPSRLD(operand.Imm(uint64(l.bits)), code[v], code[v])
			}
			for _, term := range []struct{ sum, table Reg }{{lx[v], tx}, {ll[v], tl}} {
				t := Vector()
				if l.positions == 8 {
					VPERMILPS(code[v], term.table, t)
				} else {
					VPERMPS(term.table, code[v], t)
				}
				Accumulate(term.sum, t)
			}
		}
	}
	ADDQ(operand.Imm(uint64(4*l.positions)), x)
	ADDQ(operand.Imm(uint64(4*l.positions)), w)
	ADDQ(operand.I32(rowBytes), codes)
	DECQ(left)
	JNZ(operand.LabelRef("group"))
	to := pointer("sums")
	for v := range vectors {
		StoreV(Mem{Base: to, Disp: Width() * v}, lx[v])
		StoreV(Mem{Base: to, Disp: 4*32 + Width()*v}, ll[v])
	}
	VZEROUPPER()
	RET()
}
