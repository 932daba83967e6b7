package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
)

// A weighing emits what the loop needs, and returns the weight of a value.
type weighing func(w walk) func(v int, x, weight Mem) Reg

func squares(walk) func(int, Mem, Mem) Reg {
	return func(_ int, x, _ Mem) Reg {
		value := load(x)
		return mul(value, value)
	}
}

func magnitudes(walk) func(int, Mem, Mem) Reg {
	mask := load(bits(magnitude))
	return func(_ int, x, _ Mem) Reg { return and(mask, x) }
}

// spread is the root mean square plus the magnitude.
func spread(w walk) func(int, Mem, Mem) Reg {
	sum := w.zeros()
	w.each("squares", 0, 8, func(v int, x, _, _ Mem) {
		value := load(x)
		accumulate(sum[v], mul(value, value))
	})
	count := floatOfN()
	for v := range sum {
		sum[v] = sqrt(div(sum[v], count))
	}
	mask := load(bits(magnitude))
	return func(v int, x, _ Mem) Reg { return add(sum[v], and(mask, x)) }
}

// floatOfN is the argument n in all lanes.
func floatOfN() Reg {
	if isa == neon {
		return armFloat(argument("n"))
	}
	n, out := XMM(), vector()
	VXORPS(n, n, n)
	VCVTSI2SSQ(argument("n"), n, n)
	VBROADCASTSS(n, out)
	return out
}

// given multiplies a weight by √(variance + x²), and sums these in memory.
func given(w walk) func(int, Mem, Mem) Reg {
	variance := w.registers(func(v int) Reg { return load(w.field(fieldVariance, v)) })
	for v := range variance {
		store(w.field(fieldSum, v), zero())
	}
	return func(v int, x, weight Mem) Reg {
		value := load(x)
		out := mul(sqrt(add(variance[v], mul(value, value))), weight)
		store(w.field(fieldSum, v), add(out, w.field(fieldSum, v)))
		return out
	}
}

// weigh emits the kernel that fills the weights.
func weigh(name string, how weighing) {
	begin(name, "func(x *float32, n int)",
		fmt.Sprintf("%s fills the weights of %d lanes; n is a multiple of 8.", name, side()*width()/4))
	w := newWalk(side())
	of := how(w)
	w.each("weights", 0, 4, func(v int, x, weight, _ Mem) { store(weight, of(v, x, weight)) })
	end()
}
