// Package dtype knows the scalar types of tensors in checkpoints: their
// names, their widths in bits and the exact value of each bit pattern.
//
// The names are those of the safetensors format. The small floats follow the
// OCP specifications (8-bit Floating Point, OFP8, 2023; Microscaling Formats,
// MX, 2023) and, for the FNUZ variants, Noune et al., "8-bit Numerical Formats
// for Deep Neural Networks" (2022).
package dtype

//go:generate go -C ../../internal/asm run . rows
//go:generate go -C ../../internal/asm run . rows-neon
