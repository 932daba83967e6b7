//go:build arm64 && !noasm

package kernel

var neon = variant{
	name: "neon", width: 16,
	steps:     []step{{6, gemm6x16}, {4, gemm4x16}, {2, gemm2x16}, {1, gemm1x16}},
	transpose: transpose8NEON, exp: expNEON, swiglu: swigluNEON, max: maxNEON, squares: addSquaresNEON, decode: decoders,
}

// variants returns the kernels that this processor runs, the best first.
// Every arm64 processor has NEON.
func variants() []variant { return []variant{neon, pure} }

const pairsFaster = false // products of pairs
