package search

import (
	. "github.com/f190792d/mq/internal/asm/vec"
)

// extremes emits the value of largest magnitude of each run of 32; that of
// zeros is +0.
func extremes(name string) {
	Begin(name, "func(dst, x *float32, runs int)", name+" finds the value of largest magnitude of runs of 32.")
	dst, x, runs := Argument("dst"), Argument("x"), Argument("runs")
	mask, none := LoadV(Bits(Magnitude)), Zero()
	Mark("loop")
	v := ValuesAt(x, 32)
	for i := range v {
		v[i] = And(v[i], mask)
	}
	m := MostMagnitude(v)
	StoreFirst(Mem{Base: dst}, Only(Compare(Greater, m, none), FirstEqual(x, v, m)))
	Advance(x, 128)
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
	StoreFirst(Mem{Base: low}, FirstEqual(x, v, LeastOf(v)))
	StoreFirst(Mem{Base: high}, FirstEqual(x, v, MostOf(v)))
	Advance(x, 128)
	Advance(low, 4)
	Advance(high, 4)
	CountDown(runs, "loop")
	End()
}
