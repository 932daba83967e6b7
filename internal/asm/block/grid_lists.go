package block

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// lines emits the lines of eight codes. What follows the list is in it, too.
func (s *gridTry) lines(list Mem) (a, b Octet, codes Reg) {
	codes = CodesAt(list)
	next := Digits(codes, s.bits, true)
	for p := range s.positions {
		index := next()
		pa := Lookup(TableAt(s.at(32*p), s.entries), s.entries, index)
		pb := Lookup(TableAt(s.at(gridB+32*p), s.entries), s.entries, index)
		if p == 0 {
			a, b = pa, pb
			continue
		}
		a, b = Pairwise(Add, a, pa), Pairwise(Add, b, pb)
	}
	return a, b, codes
}

// numbers emits those of lanes, and the length of the list in all of them.
func (s *gridTry) numbers() (number Octet, length Reg) {
	return OctetNumbers(), InAllLanes(s.length)
}

// raise puts what follows the list above all, and has the numbers of the next lanes.
func raise(a, b, number Octet, length Reg) {
	for i := range number {
		within := GreaterInt(length, number[i])
		a[i] = And(a[i], within)
		b[i] = Choose(within, b[i], LoadV(Constant(above)))
		IncreaseInts(number[i], Bits(lanes))
	}
}

// highest is an octet for a minimum.
func highest() Octet { return OctetOf(func() Reg { return Fresh(Constant(above)) }) }

// compareFew is compare for lists of up to 8, 12 or 16. The numbers of lines take the
// place of the last bits of their heights, which the slack allows for.
func (s *gridTry) compareFew(name string, most int, first, past reg.GPVirtual) {
	number, length := s.numbers()
	var codes []Reg
	for from := 0; from < most; from += lanes {
		a, b, code := s.lines(Mem{Base: s.list, Disp: 2 * from})
		raise(a, b, number, length)
		a.Put(s.at(gridListA + 4*from))
		b.Put(s.at(gridListB + 4*from))
		codes = append(codes, code)
	}
	Mark(name)
	scale := OctetAt(Mem{Base: IntegerAt(s.at(gridTries)), Index: first, Scale: 4, Disp: triesScale})
	kept := LoadV(Bits(^uint32(lanes*len(codes) - 1)))
	height := Lines(s.at(gridListA), s.at(gridListB))
	low, next := lowestTwo(0, most, func(l int) Octet {
		offer := height(l, scale)
		for _, h := range offer {
			PutNumber(h, kept, uint32(l))
		}
		return offer
	})
	CodesByNumber(codes, low).Put(Mem{Base: s.codes, Index: first, Scale: 4})
	s.doubt(first, past, low, next)
	Advance(first, lanes)
	JumpIfLess(first, past, name)
}

// lowestTwo is the lowest of lines from one on, and the next, by a tree of comparisons.
func lowestTwo(from, n int, height func(l int) Octet) (low, next Octet) {
	if n == 2 {
		a, b := height(from), height(from+1)
		next = Pairwise(Higher, a, b)
		for i, v := range a {
			LowerTo(v, b[i])
		}
		return a, next
	}
	half := (n + 2) / 4 * 2
	low, next = lowestTwo(from, half, height)
	otherLow, otherNext := lowestTwo(from+half, n-half, height)
	for i, v := range low {
		LowerTo(next[i], otherNext[i])
		LowerTo(next[i], Higher(v, otherLow[i]))
		LowerTo(v, otherLow[i])
	}
	return low, next
}

// doubt emits what becomes of tries where another line is not higher than the
// lowest by more than the slack: they are in doubt. Bits past the run belong to
// those that come.
func (s *gridTry) doubt(first, past reg.GPVirtual, low, next Octet) {
	doubt := OctetBits(CompareOctets(NotGreater, Pairwise(Sub, next, low), Parts(s.at(gridSlack))))
	ShiftUpBy(doubt, first)
	within := General()
	SetTo(within, 1)
	ShiftUpBy(within, past)
	Advance(within, -1)
	AndBits(doubt, within)
	MergeInto(s.at(gridDoubts), doubt)
}

// compare emits the choice of the lowest line of a list at the tries from first
// to past.
func (s *gridTry) compare(first, past reg.GPVirtual) {
	Mark("vector")
	scale := OctetAt(Mem{Base: IntegerAt(s.at(gridTries)), Index: first, Scale: 4, Disp: triesScale})
	low, next, code := highest(), highest(), OctetOf(Zero)
	at, end := General(), General()
	Move64(at, s.g)
	PointAt(end, Mem{Base: s.g, Index: s.length, Scale: 4})
	Mark("line")
	slope, start := Broadcast(Mem{Base: at, Disp: gridListA}), Broadcast(Mem{Base: at, Disp: gridListB})
	number := Broadcast(Mem{Base: at, Disp: gridCodes})
	for i, v := range scale {
		height := Add(Mul(v, slope), start)
		Replace(Compare(Less, height, low[i]), number, code[i])
		LowerTo(next[i], Higher(low[i], height))
		LowerTo(low[i], height)
	}
	Advance(at, 4)
	JumpIfLess(at, end, "line")
	code.Put(Mem{Base: s.codes, Index: first, Scale: 4})

	s.doubt(first, past, low, next)
	Advance(first, lanes)
	JumpIfLess(first, past, "vector")
}

// field is where an octet of a field of the grid lies.
func (s *gridTry) field(field int, from reg.GPVirtual) Mem {
	return Mem{Base: s.g, Index: from, Scale: 4, Disp: field}
}

// each emits a loop over the list, eight codes at a time.
func (s *gridTry) each(label string, body func(from reg.GPVirtual)) {
	from := General()
	SetTo(from, 0)
	Mark(label)
	body(from)
	Advance(from, lanes)
	JumpIfLess(from, s.length, label)
}

// lowestOfBoth emits the lines of the list and the code that is lowest at the
// first and at the last try. It jumps unless that is the same, and lower than
// all others by more than the slack.
func (s *gridTry) lowestOfBoth(first, past, code reg.GPVirtual, unless string) {
	tries := IntegerAt(s.at(gridTries))
	scale := [2]Reg{
		Broadcast(Mem{Base: tries, Index: first, Scale: 4, Disp: triesScale}),
		Broadcast(Mem{Base: tries, Index: past, Scale: 4, Disp: triesScale - 4}),
	}
	low := [2]Octet{highest(), highest()}
	number, length := s.numbers()
	heights := []int{gridFirst, gridLast}
	s.each("lines", func(from reg.GPVirtual) {
		a, b, codes := s.lines(Mem{Base: s.list, Index: from, Scale: 2})
		raise(a, b, number, length)
		a.Put(s.field(gridListA, from))
		b.Put(s.field(gridListB, from))
		Wide(codes).Put(s.field(gridCodes, from))
		for k, field := range heights {
			height := Pairwise(Add, a.By(Mul, scale[k]), b)
			height.Put(s.field(field, from))
			for i, h := range height {
				LowerTo(low[k][i], h)
			}
		}
	})
	limit := [2]Reg{s.limit(low[0]), s.limit(low[1])}
	count, at := General(), [2]reg.GPVirtual{General(), General()}
	SetTo(count, 0)
	SetTo(at[0], -1)
	SetTo(at[1], -1)
	s.each("candidates", func(from reg.GPVirtual) {
		for k, field := range heights {
			// How many lines are not above the limit, and where one is.
			set := OctetBits(CompareOctets(LessEqual, OctetAt(s.field(field, from)), Everyone(limit[k])))
			some := CountBits(set)
			Increase(count, some)
			PlaceOf(at[k], some, set, from)
		}
	})
	Move64(code, UnsignedHalfAt(Mem{Base: s.list, Index: at[0], Scale: 2}))
	two := General()
	SetTo(two, 2)
	XorInto(count, two)
	XorInto(at[1], at[0])
	JumpIfEither(count, at[1], unless)
}

// limit emits the height of the lowest line and the slack.
func (s *gridTry) limit(low Octet) Reg {
	for _, v := range low[1:] {
		LowerTo(low[0], v)
	}
	return Add(LeastAcross(low[0]), s.at(gridSlack))
}
