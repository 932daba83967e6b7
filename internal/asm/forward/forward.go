// Package forward has the kernels of the forward pass: matrix products,
// exponentials, and the decoders of block types.
package forward

import (
	"fmt"

	"github.com/f190792d/mq/internal/asm/vec"
)

// Kernels emits them all.
func Kernels() {
	for _, rows := range []int{6, 4, 2, 1} {
		emitProduct(fmt.Sprintf("gemm%dx16", rows), rows)
	}
	vec.ISA = vec.AVX512
	for _, rows := range []int{12, 6, 4, 2, 1} {
		emitProduct(fmt.Sprintf("gemm%dx32", rows), rows)
	}
	pairKernels()
	vec.ISA = vec.AVX2
	pairRows()
	identify()
	rowKernels()
	decoders()
}

// ForNEON emits what arm64 has of these, but for the products.
func ForNEON() {
	vec.ISA = vec.NEON
	rowKernels()
	decoders()
}
