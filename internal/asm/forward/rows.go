package forward

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/f190792d/mq/internal/asm/vec"
)

// transpose8 emits the transposition of eight rows into columns of eight.
func transpose8() {
	TEXT("transpose8AVX2", NOSPLIT, "func(dst *float32, dstStride int, src *float32, srcStride, columns int)")
	Doc("transpose8AVX2 writes element [r][k] of eight rows to dst[k·dstStride+r]; columns is a multiple of 8.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	dstStride := Load(Param("dstStride"), GP64())
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	srcStride := Load(Param("srcStride"), GP64()).(reg.GPVirtual)
	columns := Load(Param("columns"), GP64())
	SHLQ(Imm(2), dstStride)
	SHLQ(Imm(2), srcStride)
	at := rowPointers(8, src, srcStride)
	Label("loop")
	var r, t [8]reg.VecVirtual
	// Row i and row i+4 share a register, half by half, so that the rest
	// stays within 128-bit lanes.
	for i := range 4 {
		for half := range 2 {
			x := YMM()
			VMOVUPS(at(i, 16*half), x.AsX())
			VINSERTF128(Imm(1), at(i+4, 16*half), x, x)
			r[4*half+i] = x
		}
	}
	for half := range 2 {
		x := r[4*half : 4*half+4]
		for i := range t[:4] {
			t[i] = YMM()
		}
		VUNPCKLPS(x[1], x[0], t[0])
		VUNPCKHPS(x[1], x[0], t[1])
		VUNPCKLPS(x[3], x[2], t[2])
		VUNPCKHPS(x[3], x[2], t[3])
		for i := range 4 {
			out := YMM()
			if i%2 == 0 {
				VUNPCKLPD(t[2+i/2], t[i/2], out)
			} else {
				VUNPCKHPD(t[2+i/2], t[i/2], out)
			}
			VMOVUPS(out, Mem{Base: dst})
			ADDQ(dstStride, dst)
		}
	}
	for _, row := range []int{0, 3, 6} {
		ADDQ(Imm(32), at(row, 0).Base)
	}
	SUBQ(Imm(8), columns)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func float(name string, v float32) reg.VecVirtual { return vec.Scalar(name, F32(v)) }

// exp8 holds the constants of the exponential.
type exp8 struct{ low, high, log2e, ln2hi, ln2lo, one, bias reg.VecVirtual }

// The polynomial of e^r on [-ln2/2, ln2/2], after Cephes' expf: e^r ≈ 1 + r +
// r²·p(r). The names are those of the data section.
var polynomial = []struct {
	name  string
	value float32
}{
	{"exp_p0", 1.9875691500e-4}, {"exp_p1", 1.3981999507e-3}, {"exp_p2", 8.3334519073e-3},
	{"exp_p3", 4.1665795894e-2}, {"exp_p4", 1.6666665459e-1}, {"exp_p5", 5.0000001201e-1},
}

func newExp8() exp8 {
	e := exp8{
		low: float("exp_low", -87.33654), high: float("exp_high", 88.37626), log2e: float("exp_log2e", 1.44269504088896341),
		ln2hi: float("exp_ln2hi", 0.693359375), ln2lo: float("exp_ln2lo", -2.12194440e-4), one: float("exp_one", 1),
		bias: vec.Scalar("exp_bias", U32(127)),
	}
	return e
}

// apply replaces x by its exponential: 0 below -87.3, never infinite, NaN for NaN.
func (e exp8) apply(x reg.VecVirtual) {
	tooLow, n, square := YMM(), YMM(), YMM()
	VCMPPS(Imm(1), e.low, x, tooLow) // x < low
	VMINPS(x, e.high, x)             // the second operand of the minimum is kept for NaN
	VMAXPS(x, e.low, x)
	VMULPS(e.log2e, x, n)
	VROUNDPS(Imm(8), n, n)
	VFNMADD231PS(e.ln2hi, n, x)
	VFNMADD231PS(e.ln2lo, n, x)
	VMULPS(x, x, square)
	p := float(polynomial[0].name, polynomial[0].value)
	for _, c := range polynomial[1:] {
		VFMADD213PS(float(c.name, c.value), x, p)
	}
	VFMADD213PS(x, square, p)
	VADDPS(e.one, p, p)
	VCVTPS2DQ(n, n)
	VPADDD(e.bias, n, n)
	VPSLLD(Imm(23), n, n)
	VMULPS(n, p, x)
	VANDNPS(x, tooLow, x)
}

// exponential emits dst = e^(src - shift).
func exponential() {
	TEXT("expAVX2", NOSPLIT, "func(dst, src *float32, n int, shift float32) float32")
	Doc("expAVX2 stores e^(src-shift) for n elements, a multiple of 8, and returns their sum.")
	Pragma("noescape")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	shift, sum := YMM(), YMM()
	s, _ := Param("shift").Resolve()
	VBROADCASTSS(s.Addr, shift)
	VXORPS(sum, sum, sum)
	e := newExp8()
	Label("loop")
	x := YMM()
	VMOVUPS(Mem{Base: src}, x)
	VSUBPS(shift, x, x)
	e.apply(x)
	VADDPS(x, sum, sum)
	VMOVUPS(x, Mem{Base: dst})
	ADDQ(Imm(32), src)
	ADDQ(Imm(32), dst)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("loop"))
	high := XMM()
	VEXTRACTF128(Imm(1), sum, high)
	VADDPS(high, sum.AsX(), high)
	VHADDPS(high, high, high)
	VHADDPS(high, high, high)
	Store(high, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// swiglu emits gate = gate / (1 + e^-gate) · up.
func swiglu() {
	TEXT("swigluAVX2", NOSPLIT, "func(gate, up *float32, n int)")
	Doc("swigluAVX2 replaces gate by silu(gate)·up for n elements, a multiple of 8.")
	Pragma("noescape")
	gate, up, n := Load(Param("gate"), GP64()), Load(Param("up"), GP64()), Load(Param("n"), GP64())
	e := newExp8()
	Label("loop")
	g, x := YMM(), YMM()
	VMOVUPS(Mem{Base: gate}, g)
	VXORPS(x, x, x)
	VSUBPS(g, x, x)
	e.apply(x)
	VADDPS(e.one, x, x)
	VDIVPS(x, g, g)
	VMULPS(Mem{Base: up}, g, g)
	VMOVUPS(g, Mem{Base: gate})
	ADDQ(Imm(32), gate)
	ADDQ(Imm(32), up)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// maximum emits the largest of n elements.
func maximum() {
	TEXT("maxAVX2", NOSPLIT, "func(src *float32, n int) float32")
	Doc("maxAVX2 returns the largest of n elements, a positive multiple of 8.")
	Pragma("noescape")
	src, n := Load(Param("src"), GP64()), Load(Param("n"), GP64())
	m := YMM()
	VMOVUPS(Mem{Base: src}, m)
	Label("loop")
	VMAXPS(Mem{Base: src}, m, m)
	ADDQ(Imm(32), src)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("loop"))
	high, swap := XMM(), XMM()
	VEXTRACTF128(Imm(1), m, high)
	VMAXPS(high, m.AsX(), high)
	VPERMILPS(Imm(0x4e), high, swap)
	VMAXPS(swap, high, high)
	VPERMILPS(Imm(0xb1), high, swap)
	VMAXPS(swap, high, high)
	Store(high, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// addSquares emits sums += row².
func addSquares() {
	TEXT("addSquaresAVX2", NOSPLIT, "func(sums *float64, row *float32, n int)")
	Doc("addSquaresAVX2 adds the squares of n elements, a positive multiple of 8, to n sums.")
	Pragma("noescape")
	sums, row, n := Load(Param("sums"), GP64()), Load(Param("row"), GP64()), Load(Param("n"), GP64())
	Label("loop")
	for half := range 2 {
		x, sum := YMM(), YMM()
		VCVTPS2PD(Mem{Base: row, Disp: 16 * half}, x)
		VMOVUPD(Mem{Base: sums, Disp: 32 * half}, sum)
		VFMADD231PD(x, x, sum)
		VMOVUPD(sum, Mem{Base: sums, Disp: 32 * half})
	}
	ADDQ(Imm(64), sums)
	ADDQ(Imm(32), row)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
