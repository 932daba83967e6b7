package search

import (
	"fmt"
	"slices"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// extremes emits the value of largest magnitude of each run of n, 16 or 32; that of
// zeros is +0.
func extremes(name string, n int) {
	Begin(name, "func(dst, x *float32, runs int)", fmt.Sprintf("%s finds the value of largest magnitude of runs of %d.", name, n))
	dst, x, runs := Argument("dst"), Argument("x"), Argument("runs")
	mask, none := LoadV(Bits(Magnitude)), Zero()
	Mark("loop")
	v := ValuesAt(x, n)
	for i := range v {
		v[i] = Only(Compare(Equal, v[i], v[i]), And(v[i], mask)) // scales may be NaN
	}
	if n == 16 {
		v = slices.Repeat(v, 2)
	}
	m := MostMagnitude(v)
	StoreFirst(Mem{Base: dst}, Only(Compare(Greater, m, none), FirstEqual(x, n, v, m)))
	Advance(x, 4*n)
	Advance(dst, 4)
	CountDown(runs, "loop")
	End()
}

// bounds emits the least and the greatest value of each run of 32.
func bounds(name string) {
	Begin(name, "func(low, high, x *float32, runs int)", name+" finds the least and the greatest value of runs of 32.")
	low, high, x, runs := Argument("low"), Argument("high"), Argument("x"), Argument("runs")
	Mark("loop")
	v := ValuesAt(x, 32)
	StoreFirst(Mem{Base: low}, FirstEqual(x, 32, v, LeastOf(v)))
	StoreFirst(Mem{Base: high}, FirstEqual(x, 32, v, MostOf(v)))
	Advance(x, 128)
	Advance(low, 4)
	Advance(high, 4)
	CountDown(runs, "loop")
	End()
}
