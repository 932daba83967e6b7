package dtype

import "math"

// minifloat describes a float of at most eight bits: sign, exponent, mantissa.
type minifloat struct {
	exponent, mantissa, bias int
	special                  func(code int) (float32, bool) // codes that are not numbers
}

var nan = float32(math.NaN())

func noSpecial(int) (float32, bool) { return 0, false }

// nanAllOnes: E4M3 gives up only the code with every magnitude bit set.
func nanAllOnes(code int) (float32, bool) { return nan, code&0x7f == 0x7f }

// nanNegativeZero: the FNUZ formats have one zero; its negative is the NaN.
func nanNegativeZero(code int) (float32, bool) { return nan, code == 0x80 }

// ieee: the top exponent of E5M2 holds infinity and NaNs.
func ieee(code int) (float32, bool) {
	switch magnitude := code & 0x7f; {
	case magnitude < 0x7c:
		return 0, false
	case magnitude == 0x7c && code < 0x80:
		return float32(math.Inf(1)), true
	case magnitude == 0x7c:
		return float32(math.Inf(-1)), true
	}
	return nan, true
}

var (
	f8E4M3     = minifloat{4, 3, 7, nanAllOnes}.table()
	f8E5M2     = minifloat{5, 2, 15, ieee}.table()
	f8E4M3FNUZ = minifloat{4, 3, 8, nanNegativeZero}.table()
	f8E5M2FNUZ = minifloat{5, 2, 16, nanNegativeZero}.table()
	f6E2M3     = minifloat{2, 3, 1, noSpecial}.table()
	f6E3M2     = minifloat{3, 2, 3, noSpecial}.table()
	f4E2M1     = minifloat{2, 1, 1, noSpecial}.table()
	f8E8M0     = powersOfTwo()
)

// table lists the value of every code; codes past the format's width are 0.
func (m minifloat) table() *[256]float32 {
	var values [256]float32
	width := m.exponent + m.mantissa
	for code := range 2 << width {
		if v, ok := m.special(code); ok {
			values[code] = v
			continue
		}
		exponent := code >> m.mantissa & (1<<m.exponent - 1)
		fraction := code & (1<<m.mantissa - 1)
		if exponent == 0 {
			exponent = 1 // subnormal: no hidden bit
		} else {
			fraction |= 1 << m.mantissa
		}
		v := math.Ldexp(float64(fraction), exponent-m.bias-m.mantissa)
		if code>>width == 1 {
			v = math.Copysign(v, -1)
		}
		values[code] = float32(v)
	}
	return &values
}

func powersOfTwo() *[256]float32 {
	var values [256]float32
	for code := range 255 {
		values[code] = float32(math.Ldexp(1, code-127))
	}
	values[255] = nan
	return &values
}

// F8E4M3ToF32 gives the exact value of an OCP E4M3 number.
func F8E4M3ToF32(b byte) float32 { return f8E4M3[b] }

// E8M0ToF32 gives 2^(b-127), and NaN for 255.
func E8M0ToF32(b byte) float32 { return f8E8M0[b] }
