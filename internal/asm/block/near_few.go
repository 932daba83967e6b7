package block

import (
	. "github.com/f190792d/mq/internal/asm/vec"
)

// fewTernary emits the choice of the first code of a short list with the least sum of
// costs, in the order of positions, codes in lanes. It is -1 where a level of the
// point costs more than another.
func fewTernary() {
	name := "fewTernary" + ISA
	Begin(name, "func(x, w, values *float32, point uint32, list *uint16, n int) int", name+" finds the first code with the least cost; see Near.Few.")
	cost := pricesOf()
	first, all := OctetBits(CompareOctets(Equal, knownOf(Everywhere("point"), cost), leastOf(cost))), General()
	SetTo(all, 1<<lanes-1)
	XorInto(first, all)
	JumpIfEither(first, first, "unsure")
	table := Transposed([4]Octet{cost[0], cost[1], cost[2], Everyone(Zero())})

	list, left := Argument("list"), Argument("n")
	number, low, best := OctetNumbers(), OctetOf(func() Reg { return Fresh(Bits(0x7f7fffff)) }), OctetOf(Zero)
	Mark("codes")
	digits := Digits(CodesAt(Mem{Base: list}), 2, false)
	sum := Lookup(Table{table[0]}, 4, digits())
	for _, t := range table[1:] {
		sum = Pairwise(Add, sum, Lookup(Table{t}, 4, digits()))
	}
	JumpIfMore(left, lanes-1, "full")
	// What follows the list costs all.
	last := General()
	Point(last, left, -1)
	for i, beyond := range OctetNumbers().By(GreaterInt, InAllLanes(last)) {
		Replace(beyond, Bits(0x7f7fffff), sum[i])
	}
	Mark("full")
	for i, better := range CompareOctets(Less, sum, low) {
		Replace(better, number[i], best[i])
		Lower(low[i], sum[i])
		IncreaseInts(number[i], Bits(lanes))
	}
	Advance(list, 2*lanes)
	Advance(left, -lanes)
	JumpIfMore(left, 0, "codes")

	lowest := low[0]
	for _, v := range low[1:] {
		lowest = Least(lowest, v)
	}
	for i, is := range CompareOctets(Equal, low, Everyone(LeastAcross(lowest))) {
		best[i] = Choose(is, best[i], LoadV(Bits(0xffff)))
	}
	Move64(first, LeastWord(best))
	Jump("done")
	Mark("unsure")
	SetTo(first, -1)
	Mark("done")
	GiveInt(first)
	End()
}
