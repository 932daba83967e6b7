package dtype

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/fault"
)

func TestEveryTypeParsesFromItsName(t *testing.T) {
	for d := Invalid + 1; d.Bits() > 0; d++ {
		if got, ok := Parse(d.String()); !ok || got != d {
			t.Errorf("Parse(%q) = %v, %v", d, got, ok)
		}
	}
	for _, name := range []string{"", "INVALID", "f32", "F8", "BOOLEAN"} {
		if got, ok := Parse(name); ok {
			t.Errorf("Parse(%q) = %v", name, got)
		}
	}
	if bad := DType(200); bad.Bits() != 0 || bad.String() != "INVALID" {
		t.Errorf("a type that does not exist has %d bits", bad.Bits())
	}
}

func TestBytesRefusesOverflowAndRaggedBytes(t *testing.T) {
	for _, c := range []struct {
		d    DType
		n    int64
		want int64
		ok   bool
	}{
		{F32, 3, 12, true}, {F32, 0, 0, true}, {F32, -1, 0, false},
		{F64, math.MaxInt64 / 8, math.MaxInt64 / 8 * 8, true}, {F64, math.MaxInt64/8 + 1, 0, false},
		{F4, 2, 1, true}, {F4, 3, 0, false}, {F6E2M3, 4, 3, true}, {F6E3M2, 12, 9, true}, {F6E3M2, 2, 0, false},
		{F4, math.MaxInt64 - 1, math.MaxInt64 / 2, true}, {Invalid, 1, 0, false},
	} {
		got, ok := c.d.Bytes(c.n)
		if got != c.want || ok != c.ok {
			t.Errorf("%s.Bytes(%d) = %d, %v, want %d, %v", c.d, c.n, got, ok, c.want, c.ok)
		}
	}
}

// small gives the value by the textbook formula, apart from specials.
func small(code, exponentBits, mantissaBits, bias int) float64 {
	sign := 1.0
	if code>>(exponentBits+mantissaBits) == 1 {
		sign = -1
	}
	e := code >> mantissaBits & (1<<exponentBits - 1)
	m := float64(code&(1<<mantissaBits-1)) / float64(int(1)<<mantissaBits)
	if e == 0 {
		return math.Copysign(m*math.Pow(2, float64(1-bias)), sign)
	}
	return sign * (1 + m) * math.Pow(2, float64(e-bias))
}

func TestEverySmallFloatHasItsExactValue(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		d       DType
		e, m, b int
		special map[int]float32
	}{
		{F8E4M3, 4, 3, 7, map[int]float32{0x7f: nan, 0xff: nan}},
		{F8E5M2, 5, 2, 15, map[int]float32{
			0x7c: inf, 0xfc: -inf, 0x7d: nan, 0x7e: nan, 0x7f: nan, 0xfd: nan, 0xfe: nan, 0xff: nan}},
		{F8E4M3FNUZ, 4, 3, 8, map[int]float32{0x80: nan}},
		{F8E5M2FNUZ, 5, 2, 16, map[int]float32{0x80: nan}},
	} {
		for code := range 256 {
			want, ok := c.special[code]
			if !ok {
				want = float32(small(code, c.e, c.m, c.b))
			}
			var got [1]float32
			if err := ToFloat32(got[:], []byte{byte(code)}, c.d); err != nil {
				t.Fatal(err)
			}
			if !same(got[0], want) {
				t.Errorf("%s %#02x = %v, want %v", c.d, code, got[0], want)
			}
		}
	}
	for code := range 255 {
		if got, want := E8M0ToF32(byte(code)), float32(math.Pow(2, float64(code-127))); got != want {
			t.Errorf("E8M0 %d = %v, want %v", code, got, want)
		}
	}
	if v := E8M0ToF32(255); v == v {
		t.Errorf("E8M0 255 = %v, want NaN", v)
	}
}

func TestKnownSmallFloats(t *testing.T) {
	for _, c := range []struct{ got, want float32 }{
		{F8E4M3ToF32(0x7e), 448}, {F8E4M3ToF32(0x01), 0x1p-9}, {F8E4M3ToF32(0x38), 1}, {F8E4M3ToF32(0xb8), -1},
		{f8E5M2[0x7b], 57344}, {f8E5M2[0x01], 0x1p-16}, {E8M0ToF32(127), 1}, {E8M0ToF32(0), 0x1p-127},
		{f4E2M1[7], 6}, {f4E2M1[0xf], -6}, {f4E2M1[1], 0.5},
	} {
		if c.got != c.want {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

func TestPackedFloatsComeLowBitsFirst(t *testing.T) {
	got := make([]float32, 16)
	if err := ToFloat32(got, []byte{0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe}, F4); err != nil {
		t.Fatal(err)
	}
	want := []float32{0, .5, 1, 1.5, 2, 3, 4, 6, 0, -.5, -1, -1.5, -2, -3, -4, -6}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		d    DType
		e, m int
		bias int
	}{{F6E2M3, 2, 3, 1}, {F6E3M2, 3, 2, 3}} {
		var src []byte
		for code := uint32(0); code < 64; code += 4 {
			word := code | (code+1)<<6 | (code+2)<<12 | (code+3)<<18
			src = append(src, byte(word), byte(word>>8), byte(word>>16))
		}
		dst := make([]float32, 64)
		if err := ToFloat32(dst, src, c.d); err != nil {
			t.Fatal(err)
		}
		for code, v := range dst {
			if want := float32(small(code, c.e, c.m, c.bias)); !same(v, want) {
				t.Errorf("%s %#02x = %v, want %v", c.d, code, v, want)
			}
		}
	}
}

func TestRowsConvertElementByElement(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 5, 64, 1001} {
		halves := make([]byte, 2*n)
		for i := range n {
			binary.LittleEndian.PutUint16(halves[2*i:], uint16(i*40503))
		}
		for d, value := range map[DType]func(uint16) float32{F16: F16ToF32, BF16: BF16ToF32} {
			got := make([]float32, n)
			if err := ToFloat32(got, halves, d); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if want := value(uint16(i * 40503)); !same(got[i], want) {
					t.Fatalf("%s row of %d: [%d] = %v, want %v", d, n, i, got[i], want)
				}
			}
		}
	}
}

func TestIntegersConvert(t *testing.T) {
	for _, c := range []struct {
		d    DType
		src  []byte
		want float32
	}{
		{I8, []byte{0xff}, -1}, {U8, []byte{0xff}, 255}, {I16, []byte{0xfe, 0xff}, -2}, {U16, []byte{0xfe, 0xff}, 65534},
		{I32, []byte{0xfd, 0xff, 0xff, 0xff}, -3}, {U32, []byte{0, 0, 0, 0x80}, 0x1p31},
		{I64, []byte{0, 0, 0, 0, 0, 0, 0, 0x80}, -0x1p63}, {U64, []byte{0, 0, 0, 0, 0, 0, 0, 0x80}, 0x1p63},
		{Bool, []byte{1}, 1}, {Bool, []byte{0}, 0}, {F64, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0xbf}, -1.5},
		{F32, []byte{0, 0, 0xc0, 0xbf}, -1.5},
	} {
		var got [1]float32
		if err := ToFloat32(got[:], c.src, c.d); err != nil || got[0] != c.want {
			t.Errorf("%s %x = %v, %v, want %v", c.d, c.src, got[0], err, c.want)
		}
	}
}

func TestRefusesRowsOfTheWrongSize(t *testing.T) {
	for d := Invalid + 1; d.Bits() > 0; d++ {
		if err := ToFloat32(make([]float32, 4), make([]byte, 1), d); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: %v", d, err)
		}
	}
	if err := ToFloat32(make([]float32, 1), make([]byte, 8), C64); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("C64: %v", err)
	}
	if err := ToFloat32(nil, nil, Invalid); err == nil {
		t.Error("Invalid was converted")
	}
}

func TestWrittenRowsReadBack(t *testing.T) {
	src := []float32{0, 1, -2.5, 0x1p-24, 65504, float32(math.Inf(-1))}
	for _, d := range []DType{F32, F16} {
		size, _ := d.Bytes(int64(len(src)))
		buf, got := make([]byte, size), make([]float32, len(src))
		if err := FromFloat32(buf, src, d); err != nil {
			t.Fatal(err)
		}
		if err := ToFloat32(got, buf, d); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(src, got); diff != "" {
			t.Errorf("%s: %s", d, diff)
		}
	}
	buf := make([]byte, 2)
	if err := FromFloat32(buf, []float32{1.00390625 * 1.5}, BF16); err != nil || binary.LittleEndian.Uint16(buf) != F32ToBF16(1.00390625*1.5) {
		t.Errorf("BF16: %x, %v", buf, err)
	}
	if err := FromFloat32(buf, []float32{1, 2}, I8); !errors.Is(err, fault.ErrUnsupported) {
		t.Errorf("I8: %v", err)
	}
	if err := FromFloat32(buf, src, F16); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("short buffer: %v", err)
	}
}

func BenchmarkToFloat32(b *testing.B) {
	dst := make([]float32, 4096)
	for _, d := range []DType{F32, F16, BF16, F8E4M3, F4} {
		size, _ := d.Bytes(int64(len(dst)))
		src := make([]byte, size)
		for i := range src {
			src[i] = byte(i*37) &^ 0x40
		}
		b.Run(d.String(), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if err := ToFloat32(dst, src, d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
