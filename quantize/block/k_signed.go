package block

// K types without minima: x ≈ d·scale·(level-zero), with a float16 d in a
// super-block of 256 and a signed integer scale in a sub-block of 16.

// QuantizeQ3_K quantizes one row to super-blocks of 256 values in 110 bytes:
// the third bits (32), low bit pairs (64), 16 scales of six bits (12), d (2).
func QuantizeQ3_K(dst []byte, src, weights []float32) {
	for i := 0; i+superLen <= len(src); i += superLen {
		x, block := src[i:i+superLen], dst[i/superLen*110:][:110]
		var levels [superLen]uint8
		var scales [16]float32
		var ls [16]uint8
		var d float32
		if weights == nil {
			for j := range scales {
				scales[j] = descendScale(x[16*j:][:16], 4, levels[16*j:])
			}
			d = spanSigned(scales[:], ls[:])
		} else {
			var w, sums [16]float32
			variance := float32(2 * sumSquares(x) / superLen)
			for j := range scales {
				x := x[16*j:][:16]
				sums[j] = importance(w[:], x, weights[i+16*j:], variance)
				scales[j] = searchScale(x, w[:], 4, levels[16*j:])
			}
			d = searchScale(scales[:], sums[:], 32, ls[:])
		}
		putScales3(block[96:108], &ls)
		d = putHalf(block[108:], d)
		for j, l := range ls {
			relevelSigned(levels[16*j:][:16], x[16*j:], d*float32(int32(l)-32), 4)
		}
		packBits(block, &levels, 2)
		for k := range levels {
			levels[k] &= 3
		}
		packPairs(block[32:96], &levels)
	}
}

// spanSigned rounds scales to six bits so that the one of largest magnitude
// becomes -32 (stored as 0).
func spanSigned(scales []float32, levels []uint8) float32 {
	top := extreme(scales)
	if top == 0 {
		return 0
	}
	inv := -32 / top
	for j, s := range scales {
		levels[j] = uint8(min(max(int8(nearest(inv*s)), -32), 31) + 32)
	}
	return 1 / inv
}

// relevelSigned rounds x/scale to -nmax…nmax-1 and stores it unsigned. A
// sub-block of scale 0 keeps the levels of its search.
func relevelSigned(levels []uint8, x []float32, scale float32, nmax int32) {
	if scale == 0 {
		return
	}
	x = x[:len(levels)]
	for i, v := range x {
		levels[i] = uint8(min(max(nearest(v/scale), -nmax), nmax-1) + nmax)
	}
}

// putScales3 stores 16 scales of six bits in 12 bytes: low nibbles j and j+8
// in byte j, high pairs j, j+4, j+8, j+12 in byte 8+j.
func putScales3(dst []byte, scales *[16]uint8) {
	for j := range 8 {
		dst[j] = scales[j]&15 | scales[j+8]<<4
	}
	for j := range 4 {
		dst[8+j] = scales[j]>>4 | scales[j+4]>>4<<2 | scales[j+8]>>4<<4 | scales[j+12]>>4<<6
	}
}

func scales3(scales *[16]uint8, src []byte) {
	for j := range 8 {
		scales[j], scales[j+8] = src[j]&15, src[j]>>4
	}
	for j := range 16 {
		scales[j] |= src[8+j&3] >> (j >> 2 * 2) & 3 << 4
	}
}

// DequantizeQ3_K is the inverse of QuantizeQ3_K.
func DequantizeQ3_K(dst []float32, src []byte) {
	var levels [superLen]uint8
	var scales [16]uint8
	for i := 0; i+superLen <= len(dst); i += superLen {
		block := src[i/superLen*110:][:110]
		unpackPairs(&levels, block[32:96])
		unpackBits(&levels, block, 2)
		scales3(&scales, block[96:108])
		d := half(block[108:])
		for j, s := range scales {
			scaleSigned(dst[i+16*j:][:16], levels[16*j:], d*float32(int32(s)-32), 4)
		}
	}
}

func scaleSigned(y []float32, levels []uint8, scale float32, zero int32) {
	levels = levels[:len(y)]
	for i, l := range levels {
		y[i] = scale * float32(int32(l)-zero)
	}
}

// QuantizeQ6_K quantizes one row to super-blocks of 256 values in 210 bytes:
// low nibbles (128), high bit pairs (64), 16 signed scales (16), d (2).
func QuantizeQ6_K(dst []byte, src, weights []float32) {
	for i := 0; i+superLen <= len(src); i += superLen {
		x, block := src[i:i+superLen], dst[i/superLen*210:][:210]
		var levels [superLen]uint8
		var scales, w [16]float32
		for j := range scales {
			x := x[16*j:][:16]
			if weights == nil {
				squares(w[:], x)
			} else {
				copy(w[:], weights[i+16*j:])
			}
			scales[j] = searchScale(x, w[:], 32, levels[16*j:])
		}
		top := extreme(scales[:])
		if abs(top) < negligible {
			clear(block)
			continue
		}
		inv := -128 / top
		d := putHalf(block[208:], 1/inv)
		for j, s := range scales {
			l := int8(min(nearest(inv*s), 127))
			block[192+j] = byte(l)
			relevelSigned(levels[16*j:][:16], x[16*j:], d*float32(l), 32)
		}
		pack6(block, &levels)
	}
}

// pack6 stores six bits of all levels: in each half of 128 values nibbles of
// b, b+32 are low and those of b+64, b+96 high in bytes b, b+32, and the high
// pairs of all four share byte b of the second part.
func pack6(block []byte, levels *[superLen]uint8) {
	for h := range 2 {
		levels := levels[128*h:][:128]
		low, high := block[64*h:][:64], block[128+32*h:][:32]
		for b := range low {
			low[b] = levels[b]&15 | levels[b+64]<<4
		}
		for b := range high {
			high[b] = levels[b]>>4 | levels[b+32]>>4<<2 | levels[b+64]>>4<<4 | levels[b+96]>>4<<6
		}
	}
}

func unpack6(levels *[superLen]uint8, block []byte) {
	for h := range 2 {
		levels := levels[128*h:][:128]
		low, high := block[64*h:][:64], block[128+32*h:][:32]
		for b, v := range low {
			levels[b], levels[b+64] = v&15, v>>4
		}
		for b, v := range high {
			levels[b] |= v & 3 << 4
			levels[b+32] |= v >> 2 & 3 << 4
			levels[b+64] |= v >> 4 & 3 << 4
			levels[b+96] |= v >> 6 << 4
		}
	}
}

// DequantizeQ6_K is the inverse of QuantizeQ6_K.
func DequantizeQ6_K(dst []float32, src []byte) {
	var levels [superLen]uint8
	for i := 0; i+superLen <= len(dst); i += superLen {
		block := src[i/superLen*210:][:210]
		unpack6(&levels, block)
		d := half(block[208:])
		for j, s := range block[192:208] {
			scaleSigned(dst[i+16*j:][:16], levels[16*j:], d*float32(int8(s)), 32)
		}
	}
}
