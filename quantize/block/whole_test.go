package block

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// wholeTypes are the types that kernels write, with what specifies them.
var wholeTypes = []struct {
	name          string
	values, bytes int
	quantize      func(dst []byte, src, weights []float32)
	specified     func(dst []byte, src []float32)
}{
	{name: "Q8_0", values: 32, bytes: 34, quantize: QuantizeQ8_0, specified: quantizeQ8_0},
	{name: "Q4_0", values: 32, bytes: 18, quantize: QuantizeQ4_0, specified: q4_0.quantizePlain},
	{name: "Q4_1", values: 32, bytes: 20, quantize: QuantizeQ4_1, specified: q4_1.quantizePlain},
	{name: "Q5_0", values: 32, bytes: 22, quantize: QuantizeQ5_0, specified: q5_0.quantizePlain},
	{name: "Q5_1", values: 32, bytes: 24, quantize: QuantizeQ5_1, specified: q5_1.quantizePlain},
	{name: "TQ1_0", values: 256, bytes: 54, quantize: QuantizeTQ1_0, specified: quantizeTQ1_0},
	{name: "TQ2_0", values: 256, bytes: 66, quantize: QuantizeTQ2_0, specified: quantizeTQ2_0},
	{name: "Q1_0", values: 128, bytes: 18, quantize: QuantizeQ1_0, specified: func(dst []byte, src []float32) {
		for i := 0; i < len(src); i += 128 {
			var sums [4]float32
			sumMagnitudes(&sums, src[i:i+128])
			putHalf(dst[i/128*18:], sums[0]/128)
		}
		putSigns(dst, src)
	}},
	{name: "Q2_0", values: 64, bytes: 18, quantize: QuantizeQ2_0, specified: quantizeQ2_0},
	{name: "MXFP4", values: 32, bytes: 17, quantize: QuantizeMXFP4, specified: func(dst []byte, src []float32) {
		for i := 0; i < len(src); i += 32 {
			block := dst[i/32*17:]
			block[0] = exponentE8M0(abs(extreme(src[i : i+32])))
			packE2M1(block[1:], src[i:i+32], halfE8M0(block[0]))
		}
	}},
	{name: "NVFP4", values: 64, bytes: 36, quantize: QuantizeNVFP4, specified: func(dst []byte, src []float32) {
		for i := 0; i < len(src); i += 16 {
			block, j := dst[i/64*36:], i/16%4
			block[j] = toUE4M3(abs(extreme(src[i:i+16])) / 6)
			packE2M1(block[4+8*j:], src[i:i+16], halfUE4M3(block[j]))
		}
	}},
}

func checkWhole(t *testing.T, row []float32) {
	t.Helper()
	for _, typ := range wholeTypes {
		x := row[:len(row)/typ.values*typ.values]
		size := len(x) / typ.values * typ.bytes
		got, want := make([]byte, size), make([]byte, size)
		typ.quantize(got, x, nil)
		typ.specified(want, x)
		for i := range want {
			if got[i] != want[i] {
				b := i / typ.bytes
				t.Fatalf("%s: block %d of %v is %x, specified is %x", typ.name, b, x[b*typ.values:][:typ.values],
					got[b*typ.bytes:][:typ.bytes], want[b*typ.bytes:][:typ.bytes])
			}
		}
	}
}

func TestWholeBlocksEqualTheirSpecification(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	row := make([]float32, 1024)
	at := 0
	blocks(16, func(x, _ []float32) {
		// Runs of one kind and of many, so that degenerate blocks come
		// between others.
		n := 16 << r.IntN(5)
		for n > 0 && at < len(row) {
			copy(row[at:], x)
			at, n = at+16, n-16
			if r.IntN(8) == 0 {
				x = make([]float32, 16)
			}
		}
		if at == len(row) {
			checkWhole(t, row)
			at = 0
		}
	})
	for range 300 {
		exponent := r.IntN(4)
		for i := range row {
			switch exponent {
			case 0: // any magnitude
				row[i] = finite(r.Uint32())
			case 1: // subnormal
				row[i] = math.Float32frombits(r.Uint32() & 0x807fffff)
			case 2: // ties in every unit
				row[i] = float32(r.IntN(33)-16) / 2
			default: // close to powers of two
				row[i] = math.Float32frombits(uint32(100+r.IntN(8))<<23 - 1 + r.Uint32N(3) | r.Uint32()<<31)
			}
		}
		checkWhole(t, row)
	}
}

// TestUnusualBlocksBetweenOthersEqualTheirSpecification holds the kernels that take several
// blocks at a time and leave some of them to be done by one.
func TestUnusualBlocksBetweenOthersEqualTheirSpecification(t *testing.T) {
	unusual := []func(x []float32){
		func(x []float32) { clear(x) },
		func(x []float32) { x[7], x[19] = 3, -3 }, // either is extreme
		func(x []float32) { x[7], x[19] = -3, 3 },
		func(x []float32) { x[7], x[19] = 0x1p-120, 0x1p120 },
		func(x []float32) { // a minimum of zero, of either sign
			for i := range x {
				x[i] = abs(x[i])
			}
			x[11], x[23] = float32(math.Copysign(0, -1)), 0
		},
	}
	r := rand.New(rand.NewPCG(7, 8))
	row := make([]float32, 1024)
	for range 300 {
		for i := range row {
			row[i] = float32(r.NormFloat64()) / 8
		}
		for range r.IntN(6) {
			unusual[r.IntN(len(unusual))](row[32*r.IntN(len(row)/32):][:32])
		}
		checkWhole(t, row[:32*(1+r.IntN(len(row)/32))])
	}
}

// finite makes any bits those of a finite number.
func finite(bits uint32) float32 {
	if bits&0x7f800000 == 0x7f800000 {
		bits &^= 1 << 23
	}
	return math.Float32frombits(bits)
}

// FuzzWholeBlocks quantizes arbitrary finite values.
func FuzzWholeBlocks(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf}, 128))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0x80, 0xff, 0xff, 0x7f, 0x7f}, 128))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0x3f, 3, 0, 0, 0x80}, 90))
	f.Fuzz(func(t *testing.T, data []byte) {
		row := make([]float32, len(data)/4)
		for i := range row {
			row[i] = finite(binary.LittleEndian.Uint32(data[4*i:]))
		}
		checkWhole(t, row)
	})
}

func TestExponentIsThatOfTheRoundedLogarithm(t *testing.T) {
	for e := range uint32(254) {
		for _, low := range []uint32{0, 1, 2, 0x7ffdff, 0x7ffe00, 0x7ffeff, 0x7fff00, 0x7fff40, 0x7fffd0, 0x7fffe0, 0x7ffff0, 0x7ffffe, 0x7fffff} {
			top := math.Float32frombits((e+1)<<23 | low)
			log := float32(math.Log2(float64(top)))
			want := uint8(int(math.Floor(float64(log))) - 2 + 127)
			if got := exponentE8M0(top); got != want {
				t.Errorf("exponent of %g is %d, want %d", top, got, want)
			}
		}
	}
}
