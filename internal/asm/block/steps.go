package block

import (
	. "github.com/f190792d/mq/internal/asm/vec"
)

// equalSteps emits types of 32 values with levels in equal steps.
//
// What concerns a whole block, its bounds, scale and inverse scale, is computed for
// as many blocks as a vector has lanes, and for one where few are left or one is
// unusual.
func equalSteps() {
	q8_0.emit("q8_0", untilUnusual)
	signedLevels(false, 8).emit("q4_0", untilUnusual)
	rangeLevels(false, 15).emit("q4_1", untilUnusualOrZero)
	signedLevels(true, 16).emit("q5_0", untilUnusual)
	rangeLevels(true, 31).emit("q5_1", untilUnusualOrZero)
}

const untilUnusualOrZero = "writes blocks until one has an unusual scale or the minimum 0, and returns how many."

// A stepType is a type with levels in equal steps.
type stepType struct {
	size  int                       // of a block, in bytes
	folds []func(a, b Op) Reg       // that find its bounds
	ready func(x Mem) Reg           // loads what is folded
	one   func(b blockLoop) []Reg   // the bounds of one block in all lanes; it leaves where they are unusual
	check func(bounds []Reg) []Mask // lanes whose bounds are unusual, beside those of unusual scales
	fit   func(bounds []Reg) fit
	put   func(b blockLoop, block int, f fit)
}

// A fit is what blocks are rounded with: x ≈ scale·level + low, in lanes of
// blocks or, for one, the same everywhere.
type fit struct{ scale, low, inverse, size Reg }

func (t stepType) emit(name, doc string) {
	b := beginFunction(name+ISA, doc)
	b.again = General()
	Mark("lanes")
	SetTo(b.again, Lanes())
	JumpUnlessMore(b.left, Lanes()-1, "block")
	bounds := t.fold(b, 0, Lanes())
	f := t.fit(bounds)
	unusual := []Mask{GreaterInt(LoadV(Bits(leastScale)), f.size), GreaterInt(f.size, LoadV(Bits(greatestScale)))}
	if t.check != nil {
		unusual = append(unusual, t.check(bounds)...)
	}
	JumpUnlessAny(unusual, "usual")
	Jump("block")
	Mark("usual")
	halves, inverse := SpreadHalves(f.scale), Spread([]Reg{f.inverse})
	var lows func(to Mem, i int)
	low := func(int) Reg { return nil }
	if f.low != nil {
		lows, low = SpreadHalves(f.low), Spread([]Reg{f.low})
	}
	for i := range Lanes() {
		halves(b.to(t.size*i), i)
		if lows != nil {
			lows(b.to(t.size*i+2), i)
		}
		t.put(b, i, fit{inverse: inverse(i), low: low(i)})
	}
	Advance(b.src, 128*Lanes())
	Advance(b.dst, t.size*Lanes())
	CountDownBy(b.left, Lanes(), "lanes")
	Jump("done")

	Mark("block")
	f = t.fit(t.one(b))
	leaveUnlessOrdinary(f.size)
	b.putHalf(0, f.scale)
	if f.low != nil {
		b.putHalf(2, f.low)
	}
	t.put(b, 0, f)
	b.end(32, t.size)
}

// fold finds the bounds of n blocks, each in every n-th lane.
func (t stepType) fold(b blockLoop, first, n int) []Reg {
	if n > 1 {
		left, right := t.fold(b, first, n/2), t.fold(b, first+n/2, n/2)
		for i, of := range t.folds {
			left[i] = Fold(n, left[i], right[i], of)
		}
		return left
	}
	bounds := make([]Reg, len(t.folds))
	for at := 0; at < 128; at += Width() {
		x := t.ready(Mem{Base: b.src, Disp: 128*first + at})
		for i, of := range t.folds {
			if at == 0 {
				bounds[i] = x
			} else {
				bounds[i] = of(bounds[i], x)
			}
		}
	}
	return bounds
}

func magnitudeOf(x Op) Reg { return And(LoadV(Bits(Magnitude)), x) }

func mostOfMagnitudes(a, b Op) Reg { return MagnitudesMost(a.(Reg), b.(Reg)) }

// q8_0 has blocks whose scale maps the greatest magnitude to 127.
var q8_0 = stepType{
	size:  34,
	folds: []func(a, b Op) Reg{mostOfMagnitudes},
	ready: func(x Mem) Reg { return magnitudeOf(x) },
	one:   func(b blockLoop) []Reg { return []Reg{b.greatestMagnitude(32)} },
	fit: func(bounds []Reg) fit {
		scale := Div(bounds[0], Constant(127))
		return fit{scale: scale, inverse: reciprocal(scale), size: bounds[0]}
	},
	put: func(b blockLoop, block int, f fit) {
		// Adding slightly less than a half, and cutting off, rounds ties away
		// from zero below 2^22.
		sign, half := LoadV(Bits(SignBit)), LoadV(Constant(0x1.fffffep-2))
		l := b.values(32*block, 32)
		for i, x := range l {
			f := Mul(x, f.inverse)
			l[i] = Cut(Add(f, Or(half, And(sign, f))))
		}
		for i, bytes := range PackBytes(l) {
			StoreV(b.to(34*block+2+Width()*i), bytes)
		}
	},
}

// signedLevels have blocks whose scale maps the extreme value to -zero. Lanes
// where the least and the greatest value have the same magnitude are unusual:
// the first is extreme.
func signedLevels(fifth bool, zero float32) stepType {
	put, size := levels(2, fifth, zero+0.5, 2*zero-1)
	return stepType{
		size:  size,
		folds: []func(a, b Op) Reg{Deeper, Higher},
		ready: LoadV,
		one: func(b blockLoop) []Reg {
			v := b.magnitudes(0)
			return []Reg{FirstEqual(b.src, 32, v, MostMagnitude(v))}
		},
		check: func(bounds []Reg) []Mask {
			return []Mask{Compare(Equal, negative(bounds[0]), bounds[1])}
		},
		fit: func(bounds []Reg) fit {
			extreme := bounds[0]
			if len(bounds) > 1 {
				extreme = Choose(Compare(Greater, bounds[1], negative(bounds[0])), bounds[1], bounds[0])
			}
			scale := Div(extreme, LoadV(Constant(-zero)))
			return fit{scale: scale, inverse: reciprocal(scale), size: magnitudeOf(extreme)}
		},
		put: put,
	}
}

func negative(x Reg) Reg { return Xor(LoadV(Bits(SignBit)), x) }

// rangeLevels have blocks whose scale maps the range of values to 0…top. A
// minimum of zero is unusual, as its sign is that of the first zero.
func rangeLevels(fifth bool, top float32) stepType {
	put, size := levels(4, fifth, 0.5, top)
	return stepType{
		size:  size,
		folds: []func(a, b Op) Reg{Deeper, Higher},
		ready: LoadV,
		one: func(b blockLoop) []Reg {
			v := b.values(0, 32)
			low, high := LeastOf(v), MostOf(v)
			JumpIfNone(low, "done")
			return []Reg{low, high}
		},
		check: func(bounds []Reg) []Mask { return []Mask{Compare(Equal, bounds[0], Zero())} },
		fit: func(bounds []Reg) fit {
			scale := Div(Sub(bounds[1], bounds[0]), Constant(top))
			return fit{scale: scale, low: bounds[0], inverse: reciprocal(scale), size: scale}
		},
		put: put,
	}
}

// levels truncates (x-low)·inverse + bias to integers of at most top, and stores
// them from a byte of the block on. It returns the size of the block, too.
func levels(at int, fifth bool, bias, top float32) (put func(b blockLoop, block int, f fit), size int) {
	size = at + 16
	if fifth {
		size += 4
	}
	return func(b blockLoop, block int, f fit) {
		shift, most := LoadV(Constant(bias)), LoadV(Bits(uint32(top)))
		l := b.values(32*block, 32)
		for i, x := range l {
			if f.low != nil {
				x = Sub(x, f.low)
			}
			l[i] = Cut(Add(Mul(x, f.inverse), shift))
			AtMost(l[i], most)
		}
		b.putLevels(size*block+at, PackBytes(l), fifth)
	}, size
}

// putLevels stores 32 levels of four bits: value j in the low, value j+16 in
// the high half of byte j. Fifth bits go before them.
func (b blockLoop) putLevels(at int, l []Reg, fifth bool) {
	if fifth {
		StoreBits(b.to(at), l, 4)
		at += 4
	}
	StoreNibbles(b.to(at), l, fifth)
}
