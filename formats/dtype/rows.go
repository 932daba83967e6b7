package dtype

import (
	"math"
	"unsafe"
)

// rows are kernels for runs of 32 elements, nil where there is no assembly.
// Those that round return how many runs they did before the first with a NaN.
// The module internal/asm writes them.
type rows struct {
	widenF16, widenBF16   func(dst *float32, src *byte, n int)
	narrowF16, narrowBF16 func(dst *byte, src *float32, blocks int) int
	scale, move           func(dst *float32, src *byte, scale, offset *float32, groups, size int)
}

const run = 32

// widen converts the first elements with a kernel and returns how many.
func widen(kernel func(*float32, *byte, int), dst []float32, src []byte) int {
	n := len(dst) &^ (run - 1)
	if kernel == nil || n == 0 {
		return 0
	}
	_ = src[2*n-1]
	kernel(&dst[0], &src[0], n)
	return n
}

// narrow rounds with a kernel, and runs with a NaN by one.
func narrow(kernel func(*byte, *float32, int) int, dst []byte, src []float32, one func(float32) uint16) {
	for len(src) > 0 {
		if n := len(src) / run; kernel != nil && n > 0 {
			_ = dst[2*run*n-1]
			done := kernel(&dst[0], &src[0], n) * run
			dst, src = dst[2*done:], src[done:]
		}
		n := min(run, len(src))
		for i, f := range src[:n] {
			le.PutUint16(dst[2*i:], one(f))
		}
		dst, src = dst[2*n:], src[n:]
	}
}

var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

// inMemory returns the bytes of f if they are those of a file.
func inMemory(f []float32) ([]byte, bool) {
	if !littleEndian {
		return nil, false
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f)), true
}

// AsFloat32 returns elements of F32 as they lie in memory, or nil where this
// machine cannot see them there.
func AsFloat32(row []byte) []float32 {
	at := unsafe.Pointer(unsafe.SliceData(row))
	if !littleEndian || uintptr(at)%4 != 0 || len(row)%4 != 0 {
		return nil
	}
	return unsafe.Slice((*float32)(at), len(row)/4)
}

func f32Row(dst []float32, src []byte) {
	if bytes, ok := inMemory(dst); ok {
		copy(bytes, src)
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
	}
}

func toF32Row(dst []byte, src []float32) {
	if bytes, ok := inMemory(src); ok {
		copy(dst, bytes)
		return
	}
	for i, f := range src {
		le.PutUint32(dst[4*i:], math.Float32bits(f))
	}
}
