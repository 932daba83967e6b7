// Package kernel holds the inner loops of quantization: least-squares
// searches for the scale, or for the scale and the minimum, of small groups of
// values, the rounding of values to levels, the search for codes near a group,
// and, for types without a search, whole blocks.
//
// Quantized bytes must equal those of a scalar program that adds in source
// order, so no group is ever summed across lanes. Instead Lanes groups lie
// side by side in a Tile, one in each lane, and each lane goes through the
// scalar program's operations in their order, without fused multiply-adds.
//
// Every kernel exists in pure Go, which is its specification, and in assembly
// for amd64 (AVX2, the searches also in AVX-512) and for arm64 (NEON, the
// searches), chosen at start. The build tag noasm leaves only Go. Finite input
// gives the same bits everywhere.
//
// kernel_amd64.s and kernel_arm64.s are written by the module in _gen, from the
// same text:
//
//	cd _gen && go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel
//	cd _gen && go run . neon
//
// The other files of assembly, of whole blocks, code searches and splits, are
// written by its command blocks, which says how.
package kernel
