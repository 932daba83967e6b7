package block

// tritColumns lists how TQ1_0 lays out 256 values: groups of width·depth
// values, byte b of a group holding values b, b+width, … as base-3 digits.
var tritColumns = [...]struct{ width, depth int }{{32, 5}, {16, 5}, {4, 4}}

// QuantizeTQ1_0 quantizes one row to super-blocks of 256 values -d, 0, d in
// 54 bytes: 52 bytes of base-3 digits, most significant first, as a fixed
// point fraction of 256, and a float16 d. Weights make no difference.
func QuantizeTQ1_0(dst []byte, src, _ []float32) {
	for i := 0; i+superLen <= len(src); i += superLen {
		x, block := src[i:i+superLen], dst[i/superLen*54:][:54]
		d := abs(extreme(x))
		inv := inverse(d)
		out := block[:0]
		for _, c := range tritColumns {
			for b := range c.width {
				var digits uint32
				for k := range 5 {
					digits *= 3
					if k < c.depth {
						digits += uint32(trit(x[b+k*c.width] * inv))
					}
				}
				out = append(out, byte((digits*256+242)/243))
			}
			x = x[c.width*c.depth:]
		}
		putHalf(block[52:], d)
	}
}

// trit rounds to -1, 0, 1 and adds 1; what is no number counts as 0.
func trit(f float32) uint8 {
	if r := roundAway(f); r >= -1 && r <= 1 {
		return uint8(r + 1)
	}
	return 1
}

// DequantizeTQ1_0 is the inverse of QuantizeTQ1_0.
func DequantizeTQ1_0(dst []float32, src []byte) {
	for i := 0; i+superLen <= len(dst); i += superLen {
		y, block := dst[i:i+superLen], src[i/superLen*54:][:54]
		d := half(block[52:])
		for _, c := range tritColumns {
			for b, v := range block[:c.width] {
				for k := range c.depth {
					y[b+k*c.width] = float32(int32(v)*3>>8-1) * d
					v *= 3
				}
			}
			block, y = block[c.width:], y[c.width*c.depth:]
		}
	}
}

// QuantizeTQ2_0 quantizes one row to super-blocks of 256 values -d, 0, d in
// 66 bytes: bit pairs as in Q2_K and a float16 d. Weights make no difference.
func QuantizeTQ2_0(dst []byte, src, _ []float32) {
	var levels [superLen]uint8
	for i := 0; i+superLen <= len(src); i += superLen {
		x, block := src[i:i+superLen], dst[i/superLen*66:][:66]
		d := abs(extreme(x))
		inv := inverse(d)
		for k, v := range x {
			levels[k] = trit(v * inv)
		}
		packPairs(block[:64], &levels)
		putHalf(block[64:], d)
	}
}

// DequantizeTQ2_0 is the inverse of QuantizeTQ2_0.
func DequantizeTQ2_0(dst []float32, src []byte) {
	var levels [superLen]uint8
	for i := 0; i+superLen <= len(dst); i += superLen {
		block := src[i/superLen*66:][:66]
		unpackPairs(&levels, block)
		scaleSigned(dst[i:i+superLen], levels[:], half(block[64:]), 1)
	}
}

// QuantizeQ1_0 quantizes one row to blocks of 128 values -d, d in 18 bytes:
// a float16 d, the mean magnitude, and one bit a value, set from zero up.
// Weights make no difference.
func QuantizeQ1_0(dst []byte, src, _ []float32) {
	for i := 0; i+128 <= len(src); i += 128 {
		x, block := src[i:i+128], dst[i/128*18:][:18]
		var sum float32
		for _, v := range x {
			sum += abs(v)
		}
		putHalf(block, sum/128)
		for b := range 16 {
			var bits uint8
			for k, v := range x[8*b:][:8] {
				if v >= 0 {
					bits |= 1 << k
				}
			}
			block[2+b] = bits
		}
	}
}

// DequantizeQ1_0 is the inverse of QuantizeQ1_0.
func DequantizeQ1_0(dst []float32, src []byte) {
	for i := 0; i+128 <= len(dst); i += 128 {
		block := src[i/128*18:][:18]
		d := half(block)
		values := [2]float32{-d, d}
		for b, bits := range block[2:] {
			for k := range 8 {
				dst[i+8*b+k] = values[bits>>k&1]
			}
		}
	}
}

// QuantizeQ2_0 quantizes one row to blocks of 64 values -d, 0, d, 2d in 18
// bytes: a float16 d, the largest magnitude, and value j in bit pair j, low
// bits first. Weights make no difference.
func QuantizeQ2_0(dst []byte, src, _ []float32) {
	for i := 0; i+64 <= len(src); i += 64 {
		x, block := src[i:i+64], dst[i/64*18:][:18]
		d := abs(extreme(x))
		putHalf(block, d)
		inv := inverse(d)
		for b := range 16 {
			var pairs uint8
			for k, v := range x[4*b:][:4] {
				level := min(max(roundAway(v*inv)+1, 0), 3)
				pairs |= uint8(level) << (2 * k)
			}
			block[2+b] = pairs
		}
	}
}

// DequantizeQ2_0 is the inverse of QuantizeQ2_0.
func DequantizeQ2_0(dst []float32, src []byte) {
	for i := 0; i+64 <= len(dst); i += 64 {
		block := src[i/64*18:][:18]
		d := half(block)
		for b, pairs := range block[2:] {
			for k := range 4 {
				dst[i+4*b+k] = float32(int32(pairs>>(2*k)&3)-1) * d
			}
		}
	}
}
