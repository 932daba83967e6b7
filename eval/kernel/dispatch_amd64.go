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
	pairs:       []step{{12, pairs12x32}, {6, pairs6x32}, {4, pairs4x32}, {2, pairs2x32}, {1, pairs1x32}},
	pairSquares: pairSquares, pairRow: pairRow,
}

// pairsFaster is where it was measured: on AMD's Zen 4, which has AVX-512 in
// the family that it shares with Zen 3, and adds beside its multipliers.
var pairsFaster = cpu.X86.HasAVX512F && isAMD(0x19)

// isAMD reports whether the processor is of a family of AMD's.
func isAMD(family uint32) bool {
	if _, b, c, d := identify(0); b != 0x68747541 || d != 0x69746e65 || c != 0x444d4163 { // "AuthenticAMD"
		return false
	}
	signature, _, _, _ := identify(1)
	return signature>>8&15+signature>>20&255 == family
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
