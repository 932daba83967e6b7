package block

import (
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
	Begin(name, "func(dst *byte, src *float32, blocks int, scale *float32)",
		name+" writes the codes of blocks, with a scale for each "+map[int]string{16: "16", 32: "32"}[n]+" values.")
	b := blockLoop{dst: Argument("dst"), src: Argument("src"), left: Argument("blocks")}
	scales := Argument("scale")
	mask, none := LoadV(Bits(Magnitude)), Zero()
	each := 4 * n / Width() // vectors of a scale

	Mark("block")
	for first := 0; first < length; first += 32 {
		code := make([]Reg, 128/Width())
		for i := 0; i < len(code); i += each {
			x := b.values(first, 32)
			copy(code[i:], nearestFloats(x[i:i+each], Broadcast(Mem{Base: scales, Disp: 4 * (first/n + i/each)}), mask))
		}
		codes, minus := PackBytes(code), PackSigns(b.values(first, 32))
		for i := range codes {
			// A negative value whose code is not 0 gets the sign.
			minus[i] = Masked(ClearBits(minus[i], EqualBytes(codes[i], none)), Bits(0x08080808))
			BitOr(minus[i], codes[i])
		}
		if n == 32 {
			b.putLevels(at, codes, false)
		} else {
			StoreNibblesOf16(b.to(at+first/2), codes)
		}
	}
	Advance(scales, 4*length/n)
	Advance(b.src, 4*length)
	Advance(b.dst, size)
	CountDown(b.left, "block")
	End()
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
			CountMask(code[i], Compare(Less, point, x[i]))
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
