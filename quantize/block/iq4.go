package block

import "encoding/binary"

// Types with sixteen levels that are not evenly spaced.

// values4 are the values of levels: close together near zero, where most
// weights are.
var values4 = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// levels4 gives the level of every half unit from -256: the midpoints
// between values are multiples of a half.
var levels4 = func() (table [1024]uint8) {
	for i := range table {
		v := float32(i-512) / 2
		for l := 1; l < 16 && v >= (values4[l-1]+values4[l])/2; l++ {
			table[i] = uint8(l)
		}
	}
	return table
}()

// level4 returns the level whose value is nearest to v, the upper one on a
// tie; the top level for NaN.
func level4(v float32) uint8 {
	switch {
	case v <= -127:
		return 0
	case v < 113:
		// Exact but for |v| < 4, where no midpoint is near.
		return levels4[(int32(v*(1<<22))>>21+512)&1023]
	}
	return 15
}

// search4 finds the scale of 32 values: it tries the inverse scales that map
// the greatest magnitude to -127 and up to seven steps to either side of it,
// after the one that maps it to 127.
func search4(x, w []float32) float32 {
	top := extreme(x)
	if abs(top) < negligible {
		return 0
	}
	var scale float32
	lx, ll := project4(x, w, 1/(top/127))
	if ll > 0 {
		scale = lx / ll
	}
	best := scale * lx
	for t := float32(-7); t <= 7; t++ {
		lx, ll := project4(x, w, (t-127)/top)
		if ll > 0 && float32(lx*lx) > float32(best*ll) {
			scale = lx / ll
			best = scale * lx
		}
	}
	return scale
}

// project4 rounds x·inverse to values q and returns Σw·q·x and Σw·q².
func project4(x, w []float32, inverse float32) (lx, ll float32) {
	w = w[:len(x)]
	for i, v := range x {
		q := values4[level4(inverse*v)&15]
		wq := w[i] * q
		lx += float32(wq * v)
		ll += float32(wq * q)
	}
	return lx, ll
}

// weigh4 sets the weights of 32 values.
func weigh4(w, x, weights []float32, variance float32) {
	if weights != nil {
		importance(w, x, weights, variance)
	} else {
		squares(w, x)
	}
}

// putLevels4 stores the levels of 32 values in 16 bytes: value i in the low,
// value i+16 in the high half of byte i.
func putLevels4(dst []byte, x []float32, inverse float32) {
	low, high, dst := x[:16], x[16:32], dst[:16]
	for i := range dst {
		dst[i] = level4(inverse*low[i]) | level4(inverse*high[i])<<4
	}
}

func expand4(dst []float32, src []byte, d float32) {
	low, high, src := dst[:16], dst[16:32], src[:16]
	for i, b := range src {
		low[i] = d * values4[b&15]
		high[i] = d * values4[b>>4]
	}
}

// QuantizeIQ4_NL quantizes one row to blocks of 32 values in 18 bytes: a
// float16 scale and levels of four bits.
func QuantizeIQ4_NL(dst []byte, src, weights []float32) {
	var w [32]float32
	for i := 0; i+32 <= len(src); i += 32 {
		x, block := src[i:][:32], dst[i/32*18:][:18]
		var columns []float32
		if weights != nil {
			columns = weights[i:][:32]
		}
		weigh4(w[:], x, columns, sumSquares(x)*(2./32))
		d := search4(x, w[:])
		putHalf(block, d)
		putLevels4(block[2:], x, inverse(d))
	}
}

// QuantizeIQ4_XS quantizes one row to super-blocks of 256 values in 136
// bytes: a float16 scale, scales of six bits for 32 values each (high pairs,
// 2, then low nibbles, 4) and levels of four bits (128).
func QuantizeIQ4_XS(dst []byte, src, weights []float32) {
	var w [32]float32
	for i := 0; i+superLen <= len(src); i += superLen {
		x, block := src[i:][:superLen], dst[i/superLen*136:][:136]
		columns := superBlockOf(weights, i)
		variance := sumSquares(x) * (2. / superLen)
		var scales [8]float32
		for j := range scales {
			var part []float32
			if columns != nil {
				part = columns[32*j:][:32]
			}
			weigh4(w[:], x[32*j:][:32], part, variance)
			scales[j] = search4(x[32*j:][:32], w[:])
		}
		d := -extreme(scales[:]) / 32
		putHalf(block, d)
		clear(block[2:8])
		inv := inverse(d)
		var high uint16
		for j, scale := range scales {
			l := min(max(nearest(inv*scale), -32), 31)
			putLevels4(block[8+16*j:], x[32*j:], inverse(d*float32(l)))
			block[4+j/2] |= uint8(l+32) & 15 << (j % 2 * 4)
			high |= uint16(l+32) >> 4 << (2 * j)
		}
		binary.LittleEndian.PutUint16(block[2:], high)
	}
}

// DequantizeIQ4_NL restores one row of IQ4_NL.
func DequantizeIQ4_NL(dst []float32, src []byte) {
	for i := 0; i+32 <= len(dst); i += 32 {
		block := src[i/32*18:][:18]
		expand4(dst[i:], block[2:], half(block))
	}
}

// DequantizeIQ4_XS restores one row of IQ4_XS.
func DequantizeIQ4_XS(dst []float32, src []byte) {
	for i := 0; i+superLen <= len(dst); i += superLen {
		block := src[i/superLen*136:][:136]
		d, high := half(block), binary.LittleEndian.Uint16(block[2:])
		for j := range superLen / 32 {
			l := int(block[4+j/2]>>(j%2*4)&15) | int(high>>(2*j)&3)<<4
			expand4(dst[i+32*j:], block[8+16*j:], d*float32(l-32))
		}
	}
}
