package block

import (
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// The layout of kernel.question: where its values are, and its list, then the scale and
// the number of the last code.
const (
	questionValues = 0
	questionList   = 4
	questionBytes  = 16
)

// The layout of kernel.Questions: weights and values of positions, and eight codes of each
// list.
const (
	askedWeights = 0
	askedValues  = askedWeights + 8*32
	askedChunk   = askedValues + 8*32
)

// A listSearch is a search of eight lists in lanes that is being emitted.
type listSearch struct {
	grid
	q, questions reg.GPVirtual
	scale, left  Octet // how many codes follow in each list
}

// nearest emits the choice of the first of the codes of a list with the least Σw(s·q-x)²,
// added in order.
func (l grid) nearest(name string) {
	Begin(name, "func(scratch, x, w *float32, few *uint16, questions *uint32, octets int, codes *uint32)", name+" answers eight questions at a time; see Questions.Answer.")
	s := listSearch{grid: l, q: Argument("scratch"), questions: Argument("questions")}
	octets, codes := Argument("octets"), Argument("codes")
	Mark("octet")
	s.load("w", askedWeights)
	s.load("x", askedValues)
	params := columns(s.question, 0)
	s.scale, s.left = params[2], params[3]
	code := s.search()
	code.Put(Mem{Base: codes})
	Advance(codes, OctetBytes)
	Advance(s.questions, lanes*questionBytes)
	CountDown(octets, "octet")
	End()
}

// question is where a field of one of eight lies.
func (s *listSearch) question(row, field int) Mem {
	return Mem{Base: s.questions, Disp: questionBytes*row + field}
}

// columns are four columns of eight rows.
func columns(at func(row, disp int) Mem, disp int) (all [4]Octet) {
	for part := range OctetBytes / Width() {
		for i, v := range Columns(at, part, disp) {
			all[i] = append(all[i], v)
		}
	}
	return all
}

// load puts what belongs to the positions of eight groups in lanes.
func (s *listSearch) load(from string, field int) {
	base := Argument(from)
	at := func(row, disp int) Mem {
		return Mem{Base: base, Index: Word(s.question(row, questionValues)), Scale: 4, Disp: disp}
	}
	for disp := 0; disp < 4*s.positions; disp += 16 {
		for i, v := range columns(at, disp) {
			v.Put(Mem{Base: s.q, Disp: field + 8*disp + 32*i})
		}
	}
}

// search emits a loop over the codes of the lists; what follows the end of a list costs
// all.
func (s *listSearch) search() (code Octet) {
	most := Bits(0x7f7fffff)
	least := OctetOf(func() Reg { return Fresh(most) })
	code = OctetOf(Ones)
	table := TableOf(s.odds())
	few, column, end := Argument("few"), General(), General()
	Point(end, s.q, 8*16)
	Mark("chunk")
	StoreHalfColumns(Mem{Base: s.q, Disp: askedChunk}, func(row int) Mem {
		return Mem{Base: few, Index: Word(s.question(row, questionList)), Scale: 2}
	})
	Move64(column, s.q)
	Mark("code")
	codes := CodesAt(Mem{Base: column, Disp: askedChunk})
	next := Digits(codes, s.bits, true)
	var sum Octet
	for p := range s.positions {
		d := Pairwise(Sub, Pairwise(Mul, Lookup(table, s.entries, next()), s.scale), Parts(Mem{Base: s.q, Disp: askedValues + 32*p}))
		cost := Pairwise(Mul, Pairwise(Mul, d, Parts(Mem{Base: s.q, Disp: askedWeights + 32*p})), d)
		if p == 0 {
			sum = cost
		} else {
			sum = Pairwise(Add, sum, cost)
		}
	}
	for i, v := range s.left {
		ReplaceNegative(v, LoadV(most), sum[i])
	}
	wide := Wide(codes)
	for i, lower := range CompareOctets(Less, sum, least) {
		Replace(lower, wide[i], code[i])
		Replace(lower, sum[i], least[i])
	}
	var more []Mask
	for _, v := range s.left {
		more = append(more, GreaterInt(v, Zero()))
		IncreaseInts(v, Bits(0xffffffff))
	}
	JumpUnlessAny(more, "listed")
	Advance(column, 16)
	JumpIfLess(column, end, "code")
	Advance(few, 16)
	Jump("chunk")
	Mark("listed")
	return code
}
