package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// fewTernary emits the choice of the first code of a short list with the least sum of
// costs, in the order of positions, codes in lanes. It is -1 where a level of the
// point costs more than another.
func fewTernary(name string) {
	TEXT(name, NOSPLIT, "func(x, w, values *float32, point uint32, list *uint16, n int) int")
	Doc(name + " finds the first code with the least cost; see Near.Few.")
	Pragma("noescape")
	cost := pricesOf()
	s := nearSearch{code: Load(Param("point"), GP32()), cost: cost[:]}
	least := Least(Least(cost[0], cost[1]), cost[2])
	nearest := LaneBits(Compare(Equal, s.known(), least))
	CMPL(nearest, operand.U32(1<<lanes-1))
	JNE(operand.LabelRef("unsure"))
	table := Transposed([4]Octet{{cost[0]}, {cost[1]}, {cost[2]}, {Zero()}})

	list, left := Argument("list"), Argument("n")
	number, low, best := LoadV(Words("iota", 0, 1, 2, 3, 4, 5, 6, 7)), LoadV(Bits(0x7f7fffff)), Zero()
	Label("codes")
	code, sum := YMM(), YMM()
	VPMOVZXWD(Mem{Base: list}, code)
	VPERMILPS(code, table[0], sum)
	for _, t := range table[1:] {
		term := YMM()
		VPSRLD(operand.Imm(2), code, code)
		VPERMILPS(code, t, term)
		VADDPS(term, sum, sum)
	}
	CMPQ(left, operand.Imm(lanes))
	JGE(operand.LabelRef("full"))
	// What follows the list costs all.
	within := YMM()
	VMOVD(left.As32(), within.AsX())
	VPBROADCASTD(within.AsX(), within)
	VPCMPGTD(Words("iota", 0, 1, 2, 3, 4, 5, 6, 7), within, within)
	VBLENDVPS(within, sum, LoadV(Bits(0x7f7fffff)), sum)
	Label("full")
	VBLENDVPS(compare(Less, sum, low), number, best, best)
	VMINPS(low, sum, low)
	VPADDD(Bits(lanes), number, number)
	ADDQ(operand.Imm(2*lanes), list)
	SUBQ(operand.Imm(lanes), left)
	JG(operand.LabelRef("codes"))

	all := LeastAcross(low)
	VBLENDVPS(compare(Equal, low, all), best, LoadV(Bits(0xffff)), best)
	half, first := XMM(), GP64()
	VEXTRACTI128(operand.Imm(1), best, half)
	VPACKUSDW(half, best.AsX(), half)
	VPHMINPOSUW(half, half)
	VMOVD(half, first.As32())
	MOVWQZX(first.As16(), first)
	Store(first, ReturnIndex(0))
	VZEROUPPER()
	RET()
	Label("unsure")
	MOVQ(operand.I32(-1), first)
	Store(first, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
