package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// GreatestBits emits what finds the greatest magnitude of 16-bit and 32-bit
// floats.
func GreatestBits() {
	greatest16()
	greatest32()
}

// largestBits emits a search for the greatest magnitude in 128 bytes at a time,
// by the bits.
func largestBits(name, result string, mask uint32, pick func(o ...Op), last func(all Reg)) {
	TEXT(name, NOSPLIT, "func(src *byte, n int) "+result)
	Doc(name + " returns the greatest magnitude in n bytes, a positive multiple of 128, by its bits.")
	Pragma("noescape")
	src, left := Load(Param("src"), GP64()).(reg.GPVirtual), Load(Param("n"), GP64())
	magnitudes := LoadV(Bits(mask))
	most := [4]Reg{Zero(), Zero(), Zero(), Zero()}
	Label("loop")
	for i := range most {
		v := YMM()
		VPAND(Mem{Base: src, Disp: 32 * i}, magnitudes, v)
		pick(v, most[i], most[i])
	}
	ADDQ(operand.I32(128), src)
	SUBQ(operand.I32(128), left)
	JNZ(operand.LabelRef("loop"))
	pick(most[1], most[0], most[0])
	pick(most[3], most[2], most[2])
	pick(most[2], most[0], most[0])
	half := XMM()
	VEXTRACTI128(operand.Imm(1), most[0], half)
	pick(half, most[0].AsX(), most[0].AsX())
	last(most[0])
	VZEROUPPER()
	RET()
}

func greatest16() {
	largestBits("greatest16AVX2", "uint16", 0x7fff7fff, func(o ...Op) { VPMAXUW(o[0], o[1], o[2]) }, func(all Reg) {
		// There is a minimum of words, so take that of the complement.
		ones := XMM()
		VPCMPEQW(ones, ones, ones)
		VPXOR(ones, all.AsX(), ones)
		VPHMINPOSUW(ones, ones)
		out := GP32()
		VMOVD(ones, out)
		NOTL(out)
		Store(out.As16(), ReturnIndex(0))
	})
}

func greatest32() {
	largestBits("greatest32AVX2", "uint32", Magnitude, func(o ...Op) { VPMAXUD(o[0], o[1], o[2]) }, func(all Reg) {
		x, y := all.AsX(), XMM()
		for _, order := range []uint64{0x4e, 0xb1} {
			VPSHUFD(operand.Imm(order), x, y)
			VPMAXUD(y, x, x)
		}
		out := GP32()
		VMOVD(x, out)
		Store(out, ReturnIndex(0))
	})
}
