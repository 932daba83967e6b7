package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// lines emits the lines of as many codes as there are lanes. What follows the
// list is in it, too.
func (s *gridTry) lines(list Mem) (a, b, codes Reg) {
	codes = YMM()
	VPMOVZXWD(list, codes)
	code := codes
	for p := range s.positions {
		if p > 0 {
			next := YMM()
			VPSRLD(operand.Imm(uint64(s.bits)), code, next)
			code = next
		}
		pa := s.lookup(Mem{Base: s.g, Disp: 32 * p}, code)
		pb := s.lookup(Mem{Base: s.g, Disp: gridB + 32*p}, code)
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
	number, length = LoadV(Words("iota", 0, 1, 2, 3, 4, 5, 6, 7)), YMM()
	VMOVQ(s.length, length.AsX())
	VPBROADCASTD(length.AsX(), length)
	return number, length
}

// raise puts what follows the list above all.
func (s *gridTry) raise(a, b, number, length Reg) {
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

// compareFew is compare for lists of up to 8, 12 or 16. The numbers of lines take the
// place of the last bits of their heights, which the slack allows for.
func (s *gridTry) compareFew(name string, most int, first, past reg.GPVirtual) {
	number, length := s.numbers()
	var codes []Reg
	for from := 0; from < most; from += lanes {
		a, b, code := s.lines(Mem{Base: s.list, Disp: 2 * from})
		s.raise(a, b, number, length)
		StoreV(Mem{Base: s.g, Disp: gridListA + 4*from}, a)
		StoreV(Mem{Base: s.g, Disp: gridListB + 4*from}, b)
		codes = append(codes, code)
		VPADDD(Bits(lanes), number, number)
	}
	Label(name)
	scale := LoadV(Mem{Base: pointer("tries"), Index: first, Scale: 4, Disp: triesScale})
	low, next, clear := LoadV(Constant(above)), LoadV(Constant(above)), LoadV(Bits(^uint32(lanes*len(codes)-1)))
	for l := range most {
		s.offer(l, scale, clear, low, next)
	}
	code := YMM()
	VPERMD(codes[0], low, code) // by the last three bits
	if most > lanes {
		fourth, high := YMM(), YMM()
		VPERMD(codes[1], low, high)
		VPSLLD(operand.Imm(28), low, fourth) // becomes the sign
		VBLENDVPS(fourth, high, code, code)
	}
	StoreV(Mem{Base: s.codes, Index: first, Scale: 4}, code)
	s.doubt(first, past, low, next, name+"Sure")
	ADDQ(operand.Imm(lanes), first)
	CMPQ(first, past)
	JL(operand.LabelRef(name))
}

// offer emits the height of line l and its place among the lowest two.
func (s *gridTry) offer(l int, scale, clear, low, next Reg) {
	a := Broadcast(Mem{Base: s.g, Disp: gridListA + 4*l})
	height := Broadcast(Mem{Base: s.g, Disp: gridListB + 4*l})
	VFMSUB231PS(a, scale, height)
	VPAND(clear, height, height)
	if l > 0 {
		VPOR(Bits(uint32(l)), height, height)
	}
	VMINPS(Greatest(low, height), next, next)
	VMINPS(height, low, low)
}

// doubt emits what becomes of tries where another line is not higher than the
// lowest by more than the slack: they are unsure. Bits past the run belong to
// those that come.
func (s *gridTry) doubt(first, past reg.GPVirtual, low, next Reg, sure string) {
	lower := LaneBits(Compare(Greater, Sub(next, low), Mem{Base: s.g, Disp: gridSlack})).As64()
	doubt := GP64()
	MOVQ(operand.U32(1<<lanes-1), doubt)
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
	ORQ(doubt, Mem{Base: s.g, Disp: gridUnsure})
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
	VBLENDVPS(lower, Broadcast(Mem{Base: at, Disp: gridCodes}), code, code)
	VMINPS(Greatest(low, height), next, next)
	VMINPS(height, low, low)
	ADDQ(operand.Imm(4), at)
	CMPQ(at, end)
	JL(operand.LabelRef("line"))
	StoreV(Mem{Base: s.codes, Index: first, Scale: 4}, code)

	s.doubt(first, past, low, next, "sure")
	ADDQ(operand.Imm(lanes), first)
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
	ADDQ(operand.Imm(lanes), from)
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
		VPADDD(Bits(lanes), number, number)
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
	return Add(LeastAcross(low), Mem{Base: s.g, Disp: gridSlack})
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
