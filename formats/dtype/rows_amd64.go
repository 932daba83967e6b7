//go:build amd64 && !noasm

package dtype

import "golang.org/x/sys/cpu"

var fast = kernels()

// kernels returns those that this processor runs. Every one with AVX2 has
// F16C.
func kernels() rows {
	if !cpu.X86.HasAVX2 {
		return rows{}
	}
	return rows{widenF16AVX2, widenBF16AVX2, narrowF16AVX2, narrowBF16AVX2, scaleCodesAVX2, moveCodesAVX2}
}
