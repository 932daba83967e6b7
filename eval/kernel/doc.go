// Package kernel holds the inner loops of the forward pass: a register-blocked
// matrix product over packed panels, the transposition that packs them, and
// the few element-wise functions that would otherwise show in a profile.
//
// Every kernel exists in pure Go, which is its specification, and in assembly
// for amd64 (AVX2 with FMA, and AVX-512 for the product) and arm64 (NEON); the
// fastest that the processor runs is chosen at start. The build tag noasm
// leaves only Go.
//
// An element of a product is one chain of fused multiply-adds over the columns
// in their order, whatever the tile it falls into. Results therefore depend on
// neither the number of rows in a batch nor the number of workers, and AVX2,
// AVX-512 and NEON agree bit for bit. A product of pairs is another sum: as
// independent of rows and workers, as close to the exact one, but made with
// fewer multiplications, for processors that add beside their multipliers.
//
// kernel_amd64.s and kernel_arm64.s are written by the module internal/asm.
package kernel

//go:generate go -C ../../internal/asm run . forward
//go:generate go -C ../../internal/asm run . forward-neon
