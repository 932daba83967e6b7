package forward

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// rowKernels emits what works on rows. A turn of a loop takes eight elements,
// in one vector or in two.
func rowKernels() {
	transpose8()
	exponential()
	swiglu()
	maximum()
	addSquares()
}

// octet calls f for the vectors of eight elements, with the place in bytes.
func octet(f func(i, at int)) {
	for i := range 32 / Width() {
		f(i, Width()*i)
	}
}

// octetOf makes vectors for eight elements.
func octetOf(f func(at int) Reg) (v []Reg) {
	octet(func(_, at int) { v = append(v, f(at)) })
	return v
}

// transpose8 emits the transposition of eight rows into columns of eight.
func transpose8() {
	Begin("transpose8"+ISA, "func(dst *float32, dstStride int, src *float32, srcStride, columns int)",
		"transpose8"+ISA+" writes element [r][k] of eight rows to dst[k·dstStride+r]; columns is a multiple of 8.")
	dst, dstStride, src, srcStride, columns := Argument("dst"), Argument("dstStride"), Argument("src"), Argument("srcStride"), Argument("columns")
	Times(dstStride, 2)
	Times(srcStride, 2)
	at, next := eightRows(src, srcStride)
	Mark("loop")
	for half := range 2 {
		var columns [2][4]Reg
		octet(func(part, _ int) {
			columns[part] = Columns(at, part, 16*half)
		})
		for i := range 4 {
			octet(func(part, at int) { StoreV(Mem{Base: dst, Disp: at}, columns[part][i]) })
			Increase(dst, dstStride)
		}
	}
	next()
	CountDownBy(columns, 8, "loop")
	End()
}

// eightRows is what reaches eight rows, and what turns to their next columns.
func eightRows(src, stride reg.GPVirtual) (at func(row, disp int) Mem, next func()) {
	step := 1
	at = func(row, disp int) Mem { return Mem{} }
	if ISA == NEON {
		rows := []reg.GPVirtual{src}
		for i := range 7 {
			rows = append(rows, GP64())
			Move64(rows[i+1], rows[i])
			Increase(rows[i+1], stride)
		}
		at = func(row, disp int) Mem { return Mem{Base: rows[row], Disp: disp} }
	} else {
		at, step = rowPointers(8, src, stride), 3
	}
	return at, func() {
		for row := 0; row < 8; row += step {
			Advance(at(row, 0).Base.(reg.GPVirtual), 32)
		}
	}
}

func float(name string, v float32) Reg { return Scalar(name, operand.F32(v)) }

// exp8 holds the constants of the exponential.
type exp8 struct {
	low, high, log2e, ln2hi, ln2lo, one, bias Reg

	coefficient []func() Reg // of the polynomial, in a register of one's own
}

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
		bias: Scalar("exp_bias", operand.U32(127)),
	}
	for _, c := range polynomial {
		e.coefficient = append(e.coefficient, ScalarCopies(c.name, operand.F32(c.value)))
	}
	return e
}

// of is the exponential of x: 0 below -87.3, never infinite, NaN for NaN.
func (e exp8) of(x Reg) Reg {
	tooLow := Compare(Less, x, e.low)
	x = Within(x, e.low, e.high)
	n := RoundEven(Mul(x, e.log2e))
	SubProduct(x, n, e.ln2hi)
	SubProduct(x, n, e.ln2lo)
	square := Mul(x, x)
	p := e.coefficient[0]()
	for _, c := range e.coefficient[1:] {
		sum := c()
		AddProduct(sum, p, x)
		p = sum
	}
	AddProduct(x, p, square)
	return Except(tooLow, Mul(Add(x, e.one), ShiftLeft(AddInt(ToInteger(n), e.bias), 23)))
}

// exponential emits dst = e^(src - shift).
func exponential() {
	Begin("exp"+ISA, "func(dst, src *float32, n int, shift float32) float32",
		"exp"+ISA+" stores e^(src-shift) for n elements, a multiple of 8, and returns their sum.")
	dst, src, n, shift := Argument("dst"), Argument("src"), Argument("n"), Everywhere("shift")
	sums := octetOf(func(int) Reg { return Zero() })
	e := newExp8()
	Mark("loop")
	octet(func(i, at int) {
		x := e.of(Sub(LoadV(Mem{Base: src, Disp: at}), shift))
		Accumulate(sums[i], x)
		StoreV(Mem{Base: dst, Disp: at}, x)
	})
	Advance(src, 32)
	Advance(dst, 32)
	CountDownBy(n, 8, "loop")
	GiveFloat(SumOfEight(sums))
	End()
}

// swiglu emits gate = gate / (1 + e^-gate) · up.
func swiglu() {
	Begin("swiglu"+ISA, "func(gate, up *float32, n int)", "swiglu"+ISA+" replaces gate by silu(gate)·up for n elements, a multiple of 8.")
	gate, up, n := Argument("gate"), Argument("up"), Argument("n")
	e := newExp8()
	Mark("loop")
	octet(func(_, at int) {
		g := LoadV(Mem{Base: gate, Disp: at})
		x := Add(e.of(Sub(Zero(), g)), e.one)
		StoreV(Mem{Base: gate, Disp: at}, Mul(Div(g, x), Mem{Base: up, Disp: at}))
	})
	Advance(gate, 32)
	Advance(up, 32)
	CountDownBy(n, 8, "loop")
	End()
}

// maximum emits the largest of n elements.
func maximum() {
	Begin("max"+ISA, "func(src *float32, n int) float32", "max"+ISA+" returns the largest of n elements, a positive multiple of 8.")
	src, n := Argument("src"), Argument("n")
	m := octetOf(func(at int) Reg { return LoadV(Mem{Base: src, Disp: at}) })
	Mark("loop")
	octet(func(i, at int) { RaiseTo(m[i], Mem{Base: src, Disp: at}) })
	Advance(src, 32)
	CountDownBy(n, 8, "loop")
	GiveFloat(MostOfEight(m))
	End()
}

// addSquares emits sums += row².
func addSquares() {
	Begin("addSquares"+ISA, "func(sums *float64, row *float32, n int)",
		"addSquares"+ISA+" adds the squares of n elements, a positive multiple of 8, to n sums.")
	sums, row, n := Argument("sums"), Argument("row"), Argument("n")
	Mark("loop")
	for half := range 2 {
		AddSquares(Mem{Base: sums, Disp: 32 * half}, Mem{Base: row, Disp: 16 * half})
	}
	Advance(sums, 64)
	Advance(row, 32)
	CountDownBy(n, 8, "loop")
	End()
}
