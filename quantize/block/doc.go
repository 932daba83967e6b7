// Package block quantizes and dequantizes single rows of every block type of
// GGUF: legacy blocks of 32 (Q4_0 … Q8_0), K super-blocks of 256, IQ types,
// microscaling (MXFP4, NVFP4), ternary and sign types, and plain scalars.
//
// Every function handles one row. Quantize functions have the form
//
//	QuantizeT(dst []byte, src, weights []float32)
//
// where len(src) is a multiple of the block length, dst has room for
// len(src)/block blocks, and weights, nil or one non-negative importance per
// column, steers the search for scales. Dequantize functions have the form
//
//	DequantizeT(dst []float32, src []byte)
//
// and fill dst, whose length is a multiple of the block length, from src.
// Any bytes can be dequantized.
//
// The bytes are those of ggml built for baseline x86-64 (no fused
// multiply-add, sums in order), on every platform: each float32 product that
// feeds an addition is rounded by an explicit conversion.
package block
