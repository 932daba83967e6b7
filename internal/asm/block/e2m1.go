package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// fourBitFloats emits the codes of values in units of given scales, one for
// each n values: value j of those in the low, value j + n/2 in the high half
// of byte j. The first code that is nearest wins. Blocks are 32 values in 17
// bytes, or 64 in 36.
func fourBitFloats(name string, n int) {
	length, size, at := 32, 17, 1
	if n == 16 {
		length, size, at = 64, 36, 4
	}
	TEXT(name, NOSPLIT, "func(dst *byte, src *float32, blocks int, scale *float32)")
	Doc(name + " writes the codes of blocks, with a scale for each " + map[int]string{16: "16", 32: "32"}[n] + " values.")
	Pragma("noescape")
	get := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	b := blockLoop{get("dst"), get("src"), get("blocks")}
	scales := get("scale")

	Label("block")
	for first := 0; first < length; first += 32 {
		var code [4]Reg
		for i := 0; i < len(code); i += 2 { // two, for want of registers
			copy(code[i:], b.nearestFloats(first+8*i, Broadcast(Mem{Base: scales, Disp: 4 * ((first + 8*i) / n)})))
		}
		codes := packBytes(code)
		if n == 32 {
			b.putLevels(at, codes, false)
			continue
		}
		// The high halves are 8 bytes further.
		high := YMM()
		VPSRLDQ(operand.Imm(8), codes, high)
		VPSLLW(operand.Imm(4), high, high)
		VPOR(high, codes, codes)
		VPERMQ(operand.Imm(0x08), codes, codes)
		VMOVDQU(codes.AsX(), b.to(at+first/2))
	}
	ADDQ(operand.Imm(uint64(4*length/n)), scales)
	ADDQ(operand.I32(4*length), b.src)
	ADDQ(operand.Imm(uint64(size)), b.dst)
	DECQ(b.left)
	JNZ(operand.LabelRef("block"))
	VZEROUPPER()
	RET()
}

// nearestFloats emits the codes of 16 values.
func (b blockLoop) nearestFloats(first int, scale Reg) []Reg {
	mask, none := LoadV(Bits(Magnitude)), Zero()
	x := [2]Mem{{Base: b.src, Disp: 4 * first}, {Base: b.src, Disp: 4*first + 32}}
	var rest, code [2]Reg
	for i := range x {
		rest[i], code[i] = And(mask, x[i]), Zero()
	}
	for c, value := range []float32{1, 2, 3, 4, 6, 8, 12} {
		point, number := Mul(scale, Constant(value)), LoadV(Bits(uint32(c+1)))
		for i := range x {
			away := And(mask, Sub(point, And(mask, x[i])))
			nearer := compare(Less, away, rest[i])
			VBLENDVPS(nearer, number, code[i], code[i])
			VMINPS(rest[i], away, rest[i])
		}
	}
	for i := range x {
		minus, some := compare(Less, LoadV(x[i]), none), YMM()
		VPCMPGTD(none, code[i], some)
		VPAND(minus, some, some)
		VPAND(Bits(8), some, some)
		VPOR(some, code[i], code[i])
	}
	return code[:]
}
