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
// for amd64 (AVX2, the searches also in AVX-512) and for arm64 (NEON), chosen
// at start. The build tag noasm leaves only Go. Finite input gives the same bits
// everywhere.
//
// The assembly is written by the module internal/asm, that of both processors from
// the same text.
package kernel

//go:generate go -C ../../internal/asm run . searches
//go:generate go -C ../../internal/asm run . searches-neon
//go:generate go -C ../../internal/asm run . blocks
//go:generate go -C ../../internal/asm run . blocks-neon
//go:generate go -C ../../internal/asm run . greatest
//go:generate go -C ../../internal/asm run . grids
//go:generate go -C ../../internal/asm run . grids-neon
//go:generate go -C ../../internal/asm run . near
//go:generate go -C ../../internal/asm run . near-neon
//go:generate go -C ../../internal/asm run . prepares
//go:generate go -C ../../internal/asm run . prepares-neon
