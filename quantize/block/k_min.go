package block

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

	plain, weighted       minSearch
	plainCap, weightedCap uint8   // of a scale before it is stored; wrapped ones exceed scaleMax
	spread                float32 // variance of the super-block in units of its mean square

	// The layout. Arrays go by value: a pointer would escape to the heap.
	putScales func(block []byte, scales, mins [16]uint8)
	scalesOf  func(block []byte) (scales, mins [16]uint8)
	pack      func(block []byte, levels [superLen]uint8)
	unpack    func(block []byte) (levels [superLen]uint8)
}

var (
	q2K = kMin{
		size: 84, dAt: 80, sub: 16, scaleMax: 15, bits: 2,
		plain:    newMinSearch(3, -0.5, 0.1, 16, true),
		weighted: newMinSearch(3, -0.9, 0.05, 37, false),
		plainCap: 255, weightedCap: 255, spread: 1,
		putScales: putScales4, scalesOf: scales4,
		pack:   func(b []byte, l [superLen]uint8) { packPairs(b[16:80], &l) },
		unpack: func(b []byte) (l [superLen]uint8) { unpackPairs(&l, b[16:80]); return l },
	}
	q4K = kMin{
		size: 144, dAt: 0, sub: 32, scaleMax: 63, bits: 4,
		plain:    newMinSearch(15, -1, 0.1, 21, false),
		weighted: newMinSearch(15, -0.9, 0.05, 37, false),
		plainCap: 63, weightedCap: 255, spread: 2,
		putScales: putScales6, scalesOf: scales6,
		pack:   func(b []byte, l [superLen]uint8) { packNibbles(b[16:144], &l) },
		unpack: func(b []byte) (l [superLen]uint8) { unpackNibbles(&l, b[16:144]); return l },
	}
	q5K = kMin{
		size: 176, dAt: 0, sub: 32, scaleMax: 63, bits: 5,
		plain:    newMinSearch(31, -0.5, 0.1, 16, false),
		weighted: newMinSearch(31, -0.9, 0.05, 37, false),
		plainCap: 63, weightedCap: 63, spread: 2,
		putScales: putScales6, scalesOf: scales6,
		pack: func(b []byte, l [superLen]uint8) {
			packNibbles(b[48:176], &l)
			packBits(b[16:48], &l, 4)
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
	for i := 0; i+superLen <= len(src); i += superLen {
		x, block := src[i:i+superLen], dst[i/superLen*t.size:][:t.size]
		if weights == nil {
			t.quantizePlain(block, x)
		} else {
			t.quantizeWeighted(block, x, weights[i:i+superLen])
		}
	}
}

// quantizePlain weighs values by magnitude and spans the largest scale and
// the largest minimum of the super-block.
func (t *kMin) quantizePlain(block []byte, x []float32) {
	var levels [superLen]uint8
	var scales, mins [16]float32
	var w [32]float32
	n := superLen / t.sub
	for j := range n {
		x := x[j*t.sub:][:t.sub]
		var floor float32
		if !t.plain.absolute {
			floor = sqrt(sumSquares(x) / float32(t.sub))
		}
		magnitudes(w[:], x, floor)
		scales[j], mins[j] = searchScaleMin(x, w[:], &t.plain, levels[j*t.sub:][:t.sub])
	}
	var ls, lm [16]uint8
	d := t.span(scales[:n], ls[:])
	dmin := t.span(mins[:n], lm[:])
	t.store(block, x, d, dmin, ls, lm, t.plainCap, &levels)
}

// span rounds positive values to 0…scaleMax by the largest of them.
func (t *kMin) span(values []float32, levels []uint8) float32 {
	var top float32
	for _, v := range values {
		if v > top {
			top = v
		}
	}
	if top > 0 {
		inv := float32(t.scaleMax) / top
		for j, v := range values {
			levels[j] = uint8(nearest(inv * v))
		}
	}
	return top / float32(t.scaleMax)
}

// quantizeWeighted searches scales and minima under the importance weights,
// and then the super-block's d and dmin under the sum of them.
func (t *kMin) quantizeWeighted(block []byte, x, weights []float32) {
	var levels [superLen]uint8
	var scales, mins, sums [16]float32
	var w [32]float32
	n := superLen / t.sub
	variance := float32(t.spread * sumSquares(x) / superLen)
	for j := range n {
		x, weights := x[j*t.sub:][:t.sub], weights[j*t.sub:][:t.sub]
		sums[j] = importance(w[:], x, weights, variance)
		scales[j], mins[j] = searchScaleMin(x, w[:], &t.weighted, levels[j*t.sub:][:t.sub])
	}
	var ls, lm [16]uint8
	d := searchPositive(scales[:n], sums[:], t.scaleMax, ls[:])
	dmin := searchPositive(mins[:n], sums[:], t.scaleMax, lm[:])
	t.store(block, x, d, dmin, ls, lm, t.weightedCap, &levels)
}

// store writes a super-block. All values are rounded once more, against the
// scales and minima as a reader will see them; a sub-block whose scale came
// out as 0 keeps the levels of its search.
func (t *kMin) store(block []byte, x []float32, d, dmin float32, ls, lm [16]uint8, limit uint8, levels *[superLen]uint8) {
	for j := range ls {
		ls[j], lm[j] = min(ls[j], limit), min(lm[j], limit)
	}
	t.putScales(block, ls, lm)
	d, dmin = putHalf(block[t.dAt:], d), putHalf(block[t.dAt+2:], dmin)
	scales, mins := t.scalesOf(block)
	for j := range superLen / t.sub {
		scale := d * float32(scales[j])
		if scale == 0 {
			continue
		}
		relevel(levels[j*t.sub:][:t.sub], x[j*t.sub:], scale, float32(dmin*float32(mins[j])), 1<<t.bits-1)
	}
	t.pack(block, *levels)
}

// relevel rounds (x+offset)/scale to 0…nmax.
func relevel(levels []uint8, x []float32, scale, offset float32, nmax int32) {
	x = x[:len(levels)]
	for i, v := range x {
		levels[i] = uint8(min(max(nearest((v+offset)/scale), 0), nmax))
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
