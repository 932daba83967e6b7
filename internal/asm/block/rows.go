package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// Rows emits conversions of rows between float types.
func Rows() {
	widen("widenBF16AVX2", func(from Mem) Reg {
		out := YMM()
		VPMOVZXWD(from, out)
		VPSLLD(operand.Imm(16), out, out)
		return out
	})
	widen("widenF16AVX2", func(from Mem) Reg {
		out := YMM()
		VCVTPH2PS(from, out)
		return out
	})
	narrowBF16()
	narrowF16()
	codes("scaleCodesAVX2", "(code - offset) · scale", func(code, scale, offset Reg) {
		VSUBPS(offset, code, code)
		VMULPS(scale, code, code)
	})
	codes("moveCodesAVX2", "code · scale + offset", func(code, scale, offset Reg) {
		VMULPS(scale, code, code)
		VADDPS(offset, code, code)
	})
}

// codes emits what makes weights of whole numbers of 8 bits in groups, each
// with a scale and an offset.
func codes(name, says string, one func(code, scale, offset Reg)) {
	TEXT(name, NOSPLIT, "func(dst *float32, src *byte, scale, offset *float32, groups, size int)")
	Doc(name + " makes " + says + " of groups of size codes, a positive multiple of 32.")
	Pragma("noescape")
	get := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	dst, src, scales, offsets, groups, size := get("dst"), get("src"), get("scale"), get("offset"), get("groups"), get("size")
	left := GP64()
	Label("group")
	scale, offset := YMM(), YMM()
	VBROADCASTSS(Mem{Base: scales}, scale)
	VBROADCASTSS(Mem{Base: offsets}, offset)
	MOVQ(size, left)
	Label("loop")
	for i := range 4 {
		x := YMM()
		VPMOVZXBD(Mem{Base: src, Disp: 8 * i}, x)
		VCVTDQ2PS(x, x)
		one(x, scale, offset)
		StoreV(Mem{Base: dst, Disp: 32 * i}, x)
	}
	ADDQ(operand.Imm(32), src)
	ADDQ(operand.I32(128), dst)
	SUBQ(operand.Imm(32), left)
	JNZ(operand.LabelRef("loop"))
	ADDQ(operand.Imm(4), scales)
	ADDQ(operand.Imm(4), offsets)
	SUBQ(operand.Imm(1), groups)
	JNZ(operand.LabelRef("group"))
	VZEROUPPER()
	RET()
}

// widen emits the conversion of 16-bit floats to float32, 32 at a time.
func widen(name string, one func(from Mem) Reg) {
	TEXT(name, NOSPLIT, "func(dst *float32, src *byte, n int)")
	Doc(name + " converts n values, a positive multiple of 32.")
	Pragma("noescape")
	get := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	dst, src, left := get("dst"), get("src"), get("n")
	Label("loop")
	for i := range 4 {
		StoreV(Mem{Base: dst, Disp: 32 * i}, one(Mem{Base: src, Disp: 16 * i}))
	}
	ADDQ(operand.Imm(64), src)
	ADDQ(operand.I32(128), dst)
	SUBQ(operand.Imm(32), left)
	JNZ(operand.LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// leaveAtNaN jumps to "done" if there is a NaN.
func leaveAtNaN(x [4]Reg) {
	var bad [4]Reg
	for i := range x {
		bad[i] = YMM()
		VCMPPS(operand.Imm(Unordered), x[i], x[i], bad[i])
	}
	for _, b := range bad[1:] {
		VORPS(b, bad[0], bad[0])
	}
	VTESTPS(bad[0], bad[0])
	JNZ(operand.LabelRef("done"))
}

func narrowBF16() {
	b := beginBlocks("narrowBF16AVX2", "rounds blocks of 32 values to bfloat16 until one has a NaN, and returns how many.")
	x := b.run(0)
	leaveAtNaN(x)
	half, one := LoadV(Bits(0x7fff)), LoadV(Bits(1))
	for i, v := range x {
		odd := YMM()
		VPSRLD(operand.Imm(16), v, odd)
		VPAND(one, odd, odd)
		VPADDD(half, odd, odd)
		VPADDD(odd, v, v)
		VPSRLD(operand.Imm(16), v, v)
		x[i] = v
	}
	for i := range 2 {
		VPACKUSDW(x[2*i+1], x[2*i], x[2*i])
		VPERMQ(operand.Imm(0xd8), x[2*i], x[2*i])
		StoreV(Mem{Base: b.dst, Disp: 32 * i}, x[2*i])
	}
	b.end(32, 64)
}

func narrowF16() {
	b := beginBlocks("narrowF16AVX2", "rounds blocks of 32 values to float16 until one has a NaN, and returns how many.")
	x := b.run(0)
	leaveAtNaN(x)
	for i := range x {
		VCVTPS2PH(operand.Imm(0), x[i], Mem{Base: b.dst, Disp: 16 * i})
	}
	b.end(32, 64)
}
