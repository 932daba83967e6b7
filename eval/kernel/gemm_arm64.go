//go:build arm64 && !noasm

package kernel

// gemm6x16 computes 6 rows of 16 columns; see gemmGeneric.
//
//go:noescape
func gemm6x16(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)

// gemm4x16 computes 4 rows of 16 columns; see gemmGeneric.
//
//go:noescape
func gemm4x16(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)

// gemm2x16 computes 2 rows of 16 columns; see gemmGeneric.
//
//go:noescape
func gemm2x16(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)

// gemm1x16 computes 1 row of 16 columns; see gemmGeneric.
//
//go:noescape
func gemm1x16(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)
