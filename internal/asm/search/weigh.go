package search

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// A weighing emits what the loop needs, and returns the weight of a value.
type weighing func(w walk) func(v int, x, weight Mem) Reg

func squares(walk) func(int, Mem, Mem) Reg {
	return func(_ int, x, _ Mem) Reg {
		value := LoadV(x)
		return Mul(value, value)
	}
}

func magnitudes(walk) func(int, Mem, Mem) Reg {
	mask := LoadV(Bits(Magnitude))
	return func(_ int, x, _ Mem) Reg { return And(mask, x) }
}

// spread is the root mean square plus the magnitude.
func spread(w walk) func(int, Mem, Mem) Reg {
	sum := w.zeros()
	w.each("squares", 0, 8, func(v int, x, _, _ Mem) {
		value := LoadV(x)
		Accumulate(sum[v], Mul(value, value))
	})
	count := floatOfN()
	for v := range sum {
		sum[v] = Sqrt(Div(sum[v], count))
	}
	mask := LoadV(Bits(Magnitude))
	return func(v int, x, _ Mem) Reg { return Add(sum[v], And(mask, x)) }
}

// floatOfN is the argument n in all lanes.
func floatOfN() Reg {
	if ISA == NEON {
		return ToFloat(InAllLanes(Argument("n")))
	}
	n, out := XMM(), Vector()
	VXORPS(n, n, n)
	VCVTSI2SSQ(Argument("n"), n, n)
	VBROADCASTSS(n, out)
	return out
}

// given multiplies a weight by √(variance + x²), and sums these in memory.
func given(w walk) func(int, Mem, Mem) Reg {
	variance := w.registers(func(v int) Reg { return LoadV(w.field(fieldVariance, v)) })
	for v := range variance {
		StoreV(w.field(fieldSum, v), Zero())
	}
	return func(v int, x, weight Mem) Reg {
		value := LoadV(x)
		out := Mul(Sqrt(Add(variance[v], Mul(value, value))), weight)
		StoreV(w.field(fieldSum, v), Add(out, w.field(fieldSum, v)))
		return out
	}
}

// weigh emits the kernel that fills the weights.
func weigh(name string, how weighing) {
	Begin(name, "func(x *float32, n int)",
		fmt.Sprintf("%s fills the weights of %d lanes; n is a multiple of 8.", name, side()*Width()/4))
	w := newWalk(side())
	of := how(w)
	w.each("weights", 0, 4, func(v int, x, weight, _ Mem) { StoreV(weight, of(v, x, weight)) })
	End()
}
