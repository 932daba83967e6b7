package dtype

import (
	"encoding/binary"
	"math"

	"github.com/f190792d/mq/formats/fault"
)

var le = binary.LittleEndian

// ToFloat32 converts one row of len(dst) elements. Floats of 32 bits and less
// are exact; F64 and wide integers are rounded to nearest. src must hold the
// row and nothing else.
func ToFloat32(dst []float32, src []byte, d DType) error {
	size, ok := d.Bytes(int64(len(dst)))
	if !ok || size != int64(len(src)) {
		return fault.Op("dtype").Corrupt("%d elements of %s do not fit %d bytes", len(dst), d, len(src))
	}
	convert := decoders[d.row()]
	if convert == nil {
		return fault.Op("dtype").Unsupported("%s has no value as one float32", d)
	}
	convert(dst, src)
	return nil
}

var decoders = [len(types)]func(dst []float32, src []byte){
	F64:        fixed(8, func(b []byte) float32 { return float32(math.Float64frombits(le.Uint64(b))) }),
	F32:        f32Row,
	F16:        f16Row,
	BF16:       bf16Row,
	F8E4M3:     lookup(f8E4M3),
	F8E5M2:     lookup(f8E5M2),
	F8E8M0:     lookup(f8E8M0),
	F8E4M3FNUZ: lookup(f8E4M3FNUZ),
	F8E5M2FNUZ: lookup(f8E5M2FNUZ),
	F6E2M3:     packed(6, f6E2M3),
	F6E3M2:     packed(6, f6E3M2),
	F4:         packed(4, f4E2M1),
	I64:        fixed(8, func(b []byte) float32 { return float32(int64(le.Uint64(b))) }),
	I32:        fixed(4, func(b []byte) float32 { return float32(int32(le.Uint32(b))) }),
	I16:        fixed(2, func(b []byte) float32 { return float32(int16(le.Uint16(b))) }),
	I8:         fixed(1, func(b []byte) float32 { return float32(int8(b[0])) }),
	U64:        fixed(8, func(b []byte) float32 { return float32(le.Uint64(b)) }),
	U32:        fixed(4, func(b []byte) float32 { return float32(le.Uint32(b)) }),
	U16:        fixed(2, func(b []byte) float32 { return float32(le.Uint16(b)) }),
	U8:         fixed(1, func(b []byte) float32 { return float32(b[0]) }),
	Bool:       fixed(1, func(b []byte) float32 { return float32(min(b[0], 1)) }),
}

func fixed(width int, value func([]byte) float32) func([]float32, []byte) {
	return func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = value(src[i*width : (i+1)*width])
		}
	}
}

func lookup(table *[256]float32) func([]float32, []byte) {
	return func(dst []float32, src []byte) {
		src = src[:len(dst)]
		for i, b := range src {
			dst[i] = table[b]
		}
	}
}

// packed reads elements narrower than a byte as a stream of bits, lowest first.
func packed(width uint, table *[256]float32) func([]float32, []byte) {
	return func(dst []float32, src []byte) {
		var bits uint32
		var have uint
		for i := range dst {
			if have < width {
				bits |= uint32(src[0]) << have
				src = src[1:]
				have += 8
			}
			dst[i] = table[bits&(1<<width-1)]
			bits >>= width
			have -= width
		}
	}
}

func bf16Row(dst []float32, src []byte) {
	n := widen(fast.widenBF16, dst, src)
	dst, src = dst[n:], src[2*n:]
	for len(dst) >= 4 && len(src) >= 8 { // four elements for one load
		w := le.Uint64(src)
		dst[0] = math.Float32frombits(uint32(w) << 16)
		dst[1] = math.Float32frombits(uint32(w) & 0xffff0000)
		dst[2] = math.Float32frombits(uint32(w>>32) << 16)
		dst[3] = math.Float32frombits(uint32(w>>32) & 0xffff0000)
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = BF16ToF32(le.Uint16(src[2*i:]))
	}
}

func f16Row(dst []float32, src []byte) {
	n := widen(fast.widenF16, dst, src)
	dst, src = dst[n:], src[2*n:]
	for i := range dst {
		h := le.Uint16(src[2*i:])
		if e := h & 0x7c00; e != 0 && e != 0x7c00 { // nearly every weight
			dst[i] = math.Float32frombits(uint32(h&0x8000)<<16 | (uint32(h&0x7fff)<<13 + 112<<23))
			continue
		}
		dst[i] = F16ToF32(h)
	}
}

// FromFloat32 writes len(src) elements as F32, F16 or BF16, rounding to
// nearest even; dst must have exactly their size.
func FromFloat32(dst []byte, src []float32, d DType) error {
	size, ok := d.Bytes(int64(len(src)))
	if !ok || size != int64(len(dst)) {
		return fault.Op("dtype").Invalid("%d elements of %s do not fit %d bytes", len(src), d, len(dst))
	}
	switch d {
	case F32:
		toF32Row(dst, src)
	case F16:
		narrow(fast.narrowF16, dst, src, F32ToF16)
	case BF16:
		narrow(fast.narrowBF16, dst, src, F32ToBF16)
	default:
		return fault.Op("dtype").Unsupported("rows are written as F32, F16 or BF16, not as %s", d)
	}
	return nil
}
