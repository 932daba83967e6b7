package block

import "github.com/f190792d/mq/quantize/kernel"

// tritColumns lists how TQ1_0 lays out 256 values: groups of width·depth
// values, byte b of a group holding values b, b+width, … as base-3 digits.
var tritColumns = [...]struct{ width, depth int }{{32, 5}, {16, 5}, {4, 4}}

// QuantizeTQ1_0 quantizes one row to super-blocks of 256 values -d, 0, d in
// 54 bytes: 52 bytes of base-3 digits, most significant first, as a fixed
// point fraction of 256, and a float16 d. Weights make no difference.
func QuantizeTQ1_0(dst []byte, src, _ []float32) {
	whole(kernel.TQ1_0, dst, src, superLen, 54, quantizeTQ1_0)
}

func quantizeTQ1_0(dst []byte, src []float32) {
	var levels [superLen]uint8
	for i := 0; i+superLen <= len(src); i += superLen {
		x, block := src[i:i+superLen], dst[i/superLen*54:][:54]
		d := kernel.Magnitude(x)
		inv := inverse(d)
		for k, v := range x {
			levels[k] = trit(v * inv)
		}
		packTrits(block, levels[:])
		putHalf(block[52:], d)
	}
}

// packTrits stores the 256 levels of a block of TQ1_0.
func packTrits(block []byte, levels []uint8) {
	out := block[:0]
	for _, c := range tritColumns {
		for b := range c.width {
			var digits uint32
			for k := range 5 {
				digits *= 3
				if k < c.depth {
					digits += uint32(levels[b+k*c.width])
				}
			}
			out = append(out, byte((digits*256+242)/243))
		}
		levels = levels[c.width*c.depth:]
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
	whole(kernel.TQ2_0, dst, src, superLen, 66, quantizeTQ2_0)
}

func quantizeTQ2_0(dst []byte, src []float32) {
	s := strips.Get().(*strip)
	defer strips.Put(s)
	levels := (*[superLen]uint8)(s.levels[:])
	for i := 0; i+superLen <= len(src); i += superLen {
		x, block := src[i:i+superLen], dst[i/superLen*66:][:66]
		d := kernel.Magnitude(x)
		inv := inverse(d)
		for k, v := range x {
			levels[k] = trit(v * inv)
		}
		kernel.PackPairs((*[64]uint8)(block), levels)
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
	var sums [4]float32
	for i := 0; i+128 <= len(src); i += 4 * 128 {
		x := src[i:min(i+4*128, len(src))]
		n := len(x) / 128
		sumMagnitudes(&sums, x)
		for j, sum := range sums[:n] {
			putHalf(dst[(i/128+j)*18:], sum/128)
		}
	}
	whole(kernel.Signs, dst, src, 128, 18, putSigns)
}

// sumMagnitudes sets Σ|x| of up to four blocks of 128 values, each added in
// order. Four at a time wait less for each other's additions.
func sumMagnitudes(sums *[4]float32, x []float32) {
	if len(x) < 4*128 {
		for j := range len(x) / 128 {
			sums[j] = 0
			for _, v := range x[128*j:][:128] {
				sums[j] += abs(v)
			}
		}
		return
	}
	a, b, c, d := x[:128], x[128:256], x[256:384], x[384:512]
	var sa, sb, sc, sd float32
	for i := range 128 {
		sa += abs(a[i])
		sb += abs(b[i])
		sc += abs(c[i])
		sd += abs(d[i])
	}
	*sums = [4]float32{sa, sb, sc, sd}
}

// putSigns sets the bits of blocks.
func putSigns(dst []byte, src []float32) {
	for i := 0; i+128 <= len(src); i += 128 {
		x, block := src[i:i+128], dst[i/128*18:][:18]
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
	whole(kernel.Q2_0, dst, src, 64, 18, quantizeQ2_0)
}

func quantizeQ2_0(dst []byte, src []float32) {
	for i := 0; i+64 <= len(src); i += 64 {
		x, block := src[i:i+64], dst[i/64*18:][:18]
		d := kernel.Magnitude(x)
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
