//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

var avx2 = variant{
	name: "avx2", width: 16,
	steps:     []step{{6, gemm6x16}, {4, gemm4x16}, {2, gemm2x16}, {1, gemm1x16}},
	transpose: transpose8AVX2, exp: expAVX2, swiglu: swigluAVX2, max: maxAVX2, squares: addSquaresAVX2, decode: decoders,
}

var avx512 = variant{
	name: "avx512", width: 32,
	steps:     []step{{12, gemm12x32}, {6, gemm6x32}, {4, gemm4x32}, {2, gemm2x32}, {1, gemm1x32}},
	transpose: transpose8AVX2, exp: expAVX2, swiglu: swigluAVX2, max: maxAVX2, squares: addSquaresAVX2, decode: decoders,
}

// variants returns the kernels that this processor runs, the best first.
func variants() []variant {
	var list []variant
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX2 && cpu.X86.HasF16C {
		list = append(list, avx512)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasF16C {
		list = append(list, avx2)
	}
	return append(list, pure)
}
