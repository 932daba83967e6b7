package quantize

import (
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize/kernel"
)

// A screen finds the rows of a float type that hold a large magnitude, eight
// bytes at a time: adding bump to the bare exponents carries into the sign
// bit of every element of 2^14 and more. NaN and infinity are among them.
// Rows that pass need no closer look, and nearly all do.
type screen struct {
	exponents, bump, carry uint64
	width                  int    // bytes of an element
	limit                  uint32 // bits of 2^14
}

var screens = map[gguf.Type]screen{
	gguf.TypeF32:  newScreen(32, 0x7f800000, (127+14)<<23),
	gguf.TypeF16:  newScreen(16, 0x7c00, (15+14)<<10),
	gguf.TypeBF16: newScreen(16, 0x7f80, (127+14)<<7),
}

func newScreen(bits, exponents, large uint64) screen {
	s := screen{
		exponents: exponents, bump: 1<<(bits-1) - large, carry: 1 << (bits - 1),
		width: int(bits / 8), limit: uint32(large),
	}
	for width := bits; width < 64; width *= 2 {
		s.exponents |= s.exponents << width
		s.bump |= s.bump << width
		s.carry |= s.carry << width
	}
	return s
}

// large reports whether src, of whole elements, has to be looked at closely.
func (s screen) large(src []byte) bool {
	greatest, n := kernel.GreatestBits(src, s.width)
	if greatest >= s.limit {
		return true
	}
	src = src[n:]
	var seen uint64
	for ; len(src) >= 32; src = src[32:] {
		b := src[:32]
		seen |= binary.LittleEndian.Uint64(b)&s.exponents + s.bump
		seen |= binary.LittleEndian.Uint64(b[8:])&s.exponents + s.bump
		seen |= binary.LittleEndian.Uint64(b[16:])&s.exponents + s.bump
		seen |= binary.LittleEndian.Uint64(b[24:])&s.exponents + s.bump
	}
	var tail [32]byte
	copy(tail[:], src)
	for i := 0; i < len(tail); i += 8 {
		seen |= binary.LittleEndian.Uint64(tail[i:])&s.exponents + s.bump
	}
	return seen&s.carry != 0
}

// Finite reports whether the exponents of an encoded row of floats, or the
// half-precision scales of its blocks, rule out NaN and infinity. Where it
// reports false, and for types without such scales it does, the row has to be
// decoded to know.
func (t Type) Finite(row []byte) bool {
	if screen, isFloat := screens[t.ID]; isFloat {
		return !screen.large(row)
	}
	const exponent = 0x7c00
	for at := 0; at+t.Bytes <= len(row); at += t.Bytes {
		for _, offset := range t.scales {
			if binary.LittleEndian.Uint16(row[at+offset:])&exponent == exponent {
				return false
			}
		}
	}
	return len(t.scales) > 0
}

// notFinite returns the index of the first NaN or infinity, or -1.
func notFinite(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

// anyLarge is what screen.large is for values that were decoded already.
func anyLarge(x []float32) bool {
	greatest, n := kernel.GreatestFloat(x)
	if greatest >= 1<<14 || greatest != greatest {
		return true
	}
	for _, v := range x[n:] {
		if !(v > -1<<14 && v < 1<<14) {
			return true
		}
	}
	return false
}

// Encode is Quantize, without weights, for values that nobody has looked at: it
// returns an error and the column that is to blame where one of them is not
// finite or lies out of the type's range.
func (t Type) Encode(dst []byte, src []float32) (column int, err error) {
	large := anyLarge(src)
	if large {
		if at := notFinite(src); at >= 0 {
			return at, fault.Corrupt("the value is %v", src[at])
		}
	}
	t.Quantize(dst, src, nil)
	if !large {
		return 0, nil
	}
	return t.holds(dst, src, make([]float32, len(src)))
}

// holds checks a quantized row of large values by reading it back, for which
// it takes the room of as many: the scales of most types are half-precision
// floats, which end at 65504.
func (t Type) holds(row []byte, x, back []float32) (column int, err error) {
	t.Dequantize(back, row)
	if notFinite(back) < 0 {
		return 0, nil
	}
	column = largest(x)
	wider := "BF16"
	if t.ID == gguf.TypeBF16 {
		wider = "F32"
	}
	return column, fault.Corrupt("%g is out of the range of %s; %s holds it", x[column], t.Name, wider)
}

// largest returns the place of the greatest magnitude.
func largest(x []float32) (at int) {
	for i, v := range x {
		if math.Abs(float64(v)) > math.Abs(float64(x[at])) {
			at = i
		}
	}
	return at
}
