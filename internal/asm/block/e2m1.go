package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// fourBitFloats emits the codes of values in units of given scales, one for
// each n values: value j of those in the low, value j + n/2 in the high half
// of byte j. Blocks are 32 values in 17 bytes, or 64 in 36.
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
	mask, none := LoadV(Bits(Magnitude)), Zero()

	Label("block")
	for first := 0; first < length; first += 32 {
		var code [4]Reg
		for i := 0; i < len(code); i += n / 8 {
			x := b.run(first)
			copy(code[i:], nearestFloats(x[i:i+n/8], Broadcast(Mem{Base: scales, Disp: 4 * ((first + 8*i) / n)}), mask))
		}
		codes := packBytes(code)
		// A negative value whose code is not 0 gets the sign.
		minus, zeros := packBytes(b.run(first)), YMM()
		VPCMPGTB(minus, none, minus)
		VPCMPEQB(none, codes, zeros)
		VPANDN(minus, zeros, minus)
		VPAND(Bits(0x08080808), minus, minus)
		VPOR(minus, codes, codes)
		if n == 32 {
			b.putLevels(at, []Reg{codes}, false)
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

// nearestFloats emits the codes of magnitudes: how many midpoints between
// values they exceed. Between neighbours distances are exact, as no value is
// more than twice the one below.
func nearestFloats(x []Reg, scale, mask Reg) []Reg {
	code := make([]Reg, len(x))
	for i := range x {
		x[i], code[i] = And(mask, x[i]), Zero()
	}
	for _, midpoint := range []float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10} {
		point := Mul(scale, Constant(midpoint))
		for i := range x {
			VPSUBD(compare(Less, point, x[i]), code[i], code[i])
		}
	}
	return code
}

// magnitudes emits the greatest magnitude of each n values.
func magnitudes(name string, n int) {
	Begin(name, "func(dst, src *float32, groups int)", name+" finds the greatest magnitude of each "+map[int]string{16: "16", 32: "32"}[n]+" values.")
	dst, src, left := Argument("dst"), Argument("src"), Argument("groups")
	mask := LoadV(Bits(Magnitude))
	Mark("group")
	most := And(mask, Mem{Base: src})
	for at := Width(); at < 4*n; at += Width() {
		most = MagnitudesMost(most, And(mask, Mem{Base: src, Disp: at}))
	}
	StoreFirst(Mem{Base: dst}, MostMagnitudeIn(most))
	Advance(src, 4*n)
	Advance(dst, 4)
	CountDown(left, "group")
	End()
}
