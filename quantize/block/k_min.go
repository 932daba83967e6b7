package block

import "github.com/f190792d/mq/quantize/kernel"

// superLen is the number of values in a super-block.
const superLen = 256

// A kMin is a K type with a scale and a minimum for every sub-block:
//
//	x ≈ d·scale·level - dmin·min
//
// d and dmin are float16, one of each in a super-block of 256; scale and min
// are small integers, one of each in a sub-block.
type kMin struct {
	size     int   // bytes of a super-block
	dAt      int   // where d and dmin are
	sub      int   // values of a sub-block, 16 or 32
	scaleMax int32 // scales and minima are 0…scaleMax
	bits     int   // of a level

	weighing              kernel.Weighing // without importance
	plain, weighted       kernel.MinSearch
	search                kernel.PositiveSearch // of d and dmin, with importance
	plainCap, weightedCap uint8                 // of a scale before it is stored; wrapped ones exceed scaleMax
	spread                float32               // variance of the super-block in units of its mean square

	// The layout. Arrays of the stack go by value: a pointer would escape to the heap.
	putScales func(block []byte, scales, mins [16]uint8)
	scalesOf  func(block []byte) (scales, mins [16]uint8)
	pack      func(block []byte, levels *[superLen]uint8)
	unpack    func(block []byte) (levels [superLen]uint8)
}

var (
	q2K = kMin{
		size: 84, dAt: 80, sub: 16, scaleMax: 15, bits: 2,
		weighing: kernel.Magnitudes,
		plain:    kernel.NewMinSearch(3, -0.5, 0.1, 16, true),
		weighted: kernel.NewMinSearch(3, -0.9, 0.05, 37, false),
		search:   kernel.NewPositiveSearch(15),
		plainCap: 255, weightedCap: 255, spread: 1,
		putScales: putScales4, scalesOf: scales4,
		pack:   func(b []byte, l *[superLen]uint8) { kernel.PackPairs((*[64]uint8)(b[16:]), l) },
		unpack: func(b []byte) (l [superLen]uint8) { unpackPairs(&l, b[16:80]); return l },
	}
	q4K = kMin{
		size: 144, dAt: 0, sub: 32, scaleMax: 63, bits: 4,
		weighing: kernel.Spread,
		plain:    kernel.NewMinSearch(15, -1, 0.1, 21, false),
		weighted: kernel.NewMinSearch(15, -0.9, 0.05, 37, false),
		search:   kernel.NewPositiveSearch(63),
		plainCap: 63, weightedCap: 255, spread: 2,
		putScales: putScales6, scalesOf: scales6,
		pack:   func(b []byte, l *[superLen]uint8) { packNibbles(b[16:144], l) },
		unpack: func(b []byte) (l [superLen]uint8) { unpackNibbles(&l, b[16:144]); return l },
	}
	q5K = kMin{
		size: 176, dAt: 0, sub: 32, scaleMax: 63, bits: 5,
		weighing: kernel.Spread,
		plain:    kernel.NewMinSearch(31, -0.5, 0.1, 16, false),
		weighted: kernel.NewMinSearch(31, -0.9, 0.05, 37, false),
		search:   kernel.NewPositiveSearch(63),
		plainCap: 63, weightedCap: 63, spread: 2,
		putScales: putScales6, scalesOf: scales6,
		pack: func(b []byte, l *[superLen]uint8) {
			packNibbles(b[48:176], l)
			kernel.PackBits((*[32]uint8)(b[16:48]), l, 4)
		},
		unpack: func(b []byte) (l [superLen]uint8) {
			unpackNibbles(&l, b[48:176])
			unpackBits(&l, b[16:48], 4)
			return l
		},
	}
)

// QuantizeQ2_K quantizes one row to super-blocks of 256 values in 84 bytes.
func QuantizeQ2_K(dst []byte, src, weights []float32) { q2K.quantize(dst, src, weights) }

// QuantizeQ4_K quantizes one row to super-blocks of 256 values in 144 bytes.
func QuantizeQ4_K(dst []byte, src, weights []float32) { q4K.quantize(dst, src, weights) }

// QuantizeQ5_K quantizes one row to super-blocks of 256 values in 176 bytes.
func QuantizeQ5_K(dst []byte, src, weights []float32) { q5K.quantize(dst, src, weights) }

// DequantizeQ2_K is the inverse of QuantizeQ2_K.
func DequantizeQ2_K(dst []float32, src []byte) { q2K.dequantize(dst, src) }

// DequantizeQ4_K is the inverse of QuantizeQ4_K.
func DequantizeQ4_K(dst []float32, src []byte) { q4K.dequantize(dst, src) }

// DequantizeQ5_K is the inverse of QuantizeQ5_K.
func DequantizeQ5_K(dst []float32, src []byte) { q5K.dequantize(dst, src) }

func (t *kMin) quantize(dst []byte, src, weights []float32) {
	eachStrip(src, weights, func(s *strip, at int, x, w []float32) {
		dst := dst[at/superLen*t.size:][:len(x)/superLen*t.size]
		if w == nil {
			t.fitPlain(s, x)
		} else {
			t.fitWeighted(s, x, w)
		}
		t.store(s, dst, x, w == nil)
	})
}

// fitPlain weighs values by magnitude, and spans the largest scale and the
// largest minimum of each super-block.
func (t *kMin) fitPlain(s *strip, x []float32) {
	s.eachTile(x, nil, t.sub, func(int) {
		s.Weigh(t.weighing, t.sub)
		s.SearchMin(&t.plain, t.sub)
	})
	n := superLen / t.sub
	for b := range len(x) / superLen {
		s.d[b] = t.span(s.fitScale[b*n:][:n], s.codes[b*n:][:n])
		s.dmin[b] = t.span(s.fitOffset[b*n:][:n], s.minCodes[b*n:][:n])
	}
}

// span rounds positive values to 0…scaleMax by the largest of them.
func (t *kMin) span(values []float32, levels []uint8) float32 {
	var top float32
	for _, v := range values {
		if v > top {
			top = v
		}
	}
	clear(levels)
	if top > 0 {
		inv := float32(t.scaleMax) / top
		for j, v := range values {
			levels[j] = uint8(nearest(inv * v))
		}
	}
	return top / float32(t.scaleMax)
}

// fitWeighted searches scales and minima under the importance weights, and
// then each super-block's d and dmin under the sum of them: all of the strip
// at once, first those for scales, then those for minima.
func (t *kMin) fitWeighted(s *strip, x, weights []float32) {
	n, blocks := superLen/t.sub, len(x)/superLen
	variances := s.variances(x, t.spread)
	s.eachTile(x, weights, t.sub, func(first int) {
		s.spreadBy(variances, first, n)
		s.Weigh(kernel.Given, t.sub)
		s.SearchMin(&t.weighted, t.sub)
	})
	all := n * blocks
	both := s.grid[:2*all]
	copy(both, s.fitScale[:all])
	copy(both[all:], s.fitOffset[:all])
	s.Load(both, n)
	copy(both, s.sum[:all])
	copy(both[all:], s.sum[:all])
	s.LoadWeights(both, n)
	s.SearchPositive(&t.search, n)
	for b := range blocks {
		s.d[b], s.dmin[b] = s.Scale[b], s.Scale[blocks+b]
		for j := range n {
			s.codes[b*n+j] = uint8(s.L[j*kernel.Lanes+b])
			s.minCodes[b*n+j] = uint8(s.L[j*kernel.Lanes+blocks+b])
		}
	}
}

// store writes super-blocks. All values are rounded once more, against the
// scales and minima as a reader will see them; a sub-block whose scale came
// out as 0 keeps the levels of its search.
func (t *kMin) store(s *strip, dst []byte, x []float32, plain bool) {
	limit := t.weightedCap
	if plain {
		limit = t.plainCap
	}
	n := superLen / t.sub
	for b := range len(x) / superLen {
		block := dst[b*t.size:][:t.size]
		var codes, minCodes [16]uint8
		for j := range n {
			codes[j], minCodes[j] = min(s.codes[b*n+j], limit), min(s.minCodes[b*n+j], limit)
		}
		t.putScales(block, codes, minCodes)
		d, dmin := putHalf(block[t.dAt:], s.d[b]), putHalf(block[t.dAt+2:], s.dmin[b])
		codes, minCodes = t.scalesOf(block)
		for j := range n {
			s.readScale[b*n+j], s.readOffset[b*n+j] = d*float32(codes[j]), float32(dmin*float32(minCodes[j]))
		}
	}
	levels := kernel.Rounding{High: 1<<t.bits - 1}
	levels.Divide(s.levels[:], x, t.sub, s.readScale[:], s.readOffset[:])
	for j := range len(x) / t.sub {
		if s.readScale[j] == 0 {
			from := [1]float32{-s.from[j]}
			levels.Multiply(s.levels[j*t.sub:], x[j*t.sub:][:t.sub], t.sub, s.inverse[j:], from[:])
		}
	}
	for b := range len(x) / superLen {
		t.pack(dst[b*t.size:][:t.size], (*[superLen]uint8)(s.levels[b*superLen:]))
	}
}

func (t *kMin) dequantize(dst []float32, src []byte) {
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:i+superLen], src[i/superLen*t.size:][:t.size]
		d, dmin := half(block[t.dAt:]), half(block[t.dAt+2:])
		scales, mins := t.scalesOf(block)
		levels := t.unpack(block)
		for j := range superLen / t.sub {
			scale, offset := d*float32(scales[j]), float32(dmin*float32(mins[j]))
			y, levels := y[j*t.sub:][:t.sub], levels[j*t.sub:][:t.sub]
			for k, l := range levels {
				y[k] = float32(scale*float32(l)) - offset
			}
		}
	}
}
