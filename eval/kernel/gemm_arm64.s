//go:build arm64 && !noasm

#include "textflag.h"

// Registers: R0 columns left, R1 a row of a (one register a row follows, R1 to
// R6), R7 stride of a, R8 b, R9 c, R10 stride of c. A row of the tile takes
// four vectors: V0–V3, V4–V7, … V20–V23. V24–V27 hold a row of b, V28 the
// element of a in all lanes.

#define ARGUMENTS \
	MOVD k+0(FP), R0;     \
	MOVD a+8(FP), R1;     \
	MOVD lda+16(FP), R7;  \
	MOVD b+24(FP), R8;    \
	MOVD c+32(FP), R9;    \
	MOVD ldc+40(FP), R10; \
	LSL  $2, R7, R7;      \
	LSL  $2, R10, R10

#define ZERO(S0, S1, S2, S3) \
	VEOR S0.B16, S0.B16, S0.B16; \
	VEOR S1.B16, S1.B16, S1.B16; \
	VEOR S2.B16, S2.B16, S2.B16; \
	VEOR S3.B16, S3.B16, S3.B16

#define COLUMN \
	VLD1.P 64(R8), [V24.S4, V25.S4, V26.S4, V27.S4]

#define ROW(A, S0, S1, S2, S3) \
	VLD1R.P 4(A), [V28.S4];        \
	VFMLA   V24.S4, V28.S4, S0.S4; \
	VFMLA   V25.S4, V28.S4, S1.S4; \
	VFMLA   V26.S4, V28.S4, S2.S4; \
	VFMLA   V27.S4, V28.S4, S3.S4

// ACCUMULATE adds a row of c as a fused product with the ones of ONES: Go has no name
// for the vector addition, and the rounding is the same.
#define ACCUMULATE(S0, S1, S2, S3) \
	VLD1  (R11), [V24.S4, V25.S4, V26.S4, V27.S4]; \
	VFMLA V24.S4, V28.S4, S0.S4; \
	VFMLA V25.S4, V28.S4, S1.S4; \
	VFMLA V26.S4, V28.S4, S2.S4; \
	VFMLA V27.S4, V28.S4, S3.S4; \
	ADD   R10, R11, R11

#define STORE(S0, S1, S2, S3) \
	VST1 [S0.S4, S1.S4, S2.S4, S3.S4], (R9); \
	ADD  R10, R9, R9

#define ONES \
	MOVD $0x3f800000, R12; \
	VDUP R12, V28.S4;      \
	MOVD R9, R11

// func gemm6x16(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)
TEXT ·gemm6x16(SB), NOSPLIT, $0-49
	ARGUMENTS
	ADD R7, R1, R2
	ADD R7, R2, R3
	ADD R7, R3, R4
	ADD R7, R4, R5
	ADD R7, R5, R6
	ZERO(V0, V1, V2, V3)
	ZERO(V4, V5, V6, V7)
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)
	ZERO(V16, V17, V18, V19)
	ZERO(V20, V21, V22, V23)

loop:
	COLUMN
	ROW(R1, V0, V1, V2, V3)
	ROW(R2, V4, V5, V6, V7)
	ROW(R3, V8, V9, V10, V11)
	ROW(R4, V12, V13, V14, V15)
	ROW(R5, V16, V17, V18, V19)
	ROW(R6, V20, V21, V22, V23)
	SUBS $1, R0, R0
	BNE  loop
	MOVBU add+48(FP), R13
	CBZ   R13, write
	ONES
	ACCUMULATE(V0, V1, V2, V3)
	ACCUMULATE(V4, V5, V6, V7)
	ACCUMULATE(V8, V9, V10, V11)
	ACCUMULATE(V12, V13, V14, V15)
	ACCUMULATE(V16, V17, V18, V19)
	ACCUMULATE(V20, V21, V22, V23)

write:
	STORE(V0, V1, V2, V3)
	STORE(V4, V5, V6, V7)
	STORE(V8, V9, V10, V11)
	STORE(V12, V13, V14, V15)
	STORE(V16, V17, V18, V19)
	STORE(V20, V21, V22, V23)
	RET

// func gemm4x16(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)
TEXT ·gemm4x16(SB), NOSPLIT, $0-49
	ARGUMENTS
	ADD R7, R1, R2
	ADD R7, R2, R3
	ADD R7, R3, R4
	ZERO(V0, V1, V2, V3)
	ZERO(V4, V5, V6, V7)
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)

loop:
	COLUMN
	ROW(R1, V0, V1, V2, V3)
	ROW(R2, V4, V5, V6, V7)
	ROW(R3, V8, V9, V10, V11)
	ROW(R4, V12, V13, V14, V15)
	SUBS $1, R0, R0
	BNE  loop
	MOVBU add+48(FP), R13
	CBZ   R13, write
	ONES
	ACCUMULATE(V0, V1, V2, V3)
	ACCUMULATE(V4, V5, V6, V7)
	ACCUMULATE(V8, V9, V10, V11)
	ACCUMULATE(V12, V13, V14, V15)

write:
	STORE(V0, V1, V2, V3)
	STORE(V4, V5, V6, V7)
	STORE(V8, V9, V10, V11)
	STORE(V12, V13, V14, V15)
	RET

// func gemm2x16(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)
TEXT ·gemm2x16(SB), NOSPLIT, $0-49
	ARGUMENTS
	ADD R7, R1, R2
	ZERO(V0, V1, V2, V3)
	ZERO(V4, V5, V6, V7)

loop:
	COLUMN
	ROW(R1, V0, V1, V2, V3)
	ROW(R2, V4, V5, V6, V7)
	SUBS $1, R0, R0
	BNE  loop
	MOVBU add+48(FP), R13
	CBZ   R13, write
	ONES
	ACCUMULATE(V0, V1, V2, V3)
	ACCUMULATE(V4, V5, V6, V7)

write:
	STORE(V0, V1, V2, V3)
	STORE(V4, V5, V6, V7)
	RET

// func gemm1x16(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)
TEXT ·gemm1x16(SB), NOSPLIT, $0-49
	ARGUMENTS
	ZERO(V0, V1, V2, V3)

loop:
	COLUMN
	ROW(R1, V0, V1, V2, V3)
	SUBS $1, R0, R0
	BNE  loop
	MOVBU add+48(FP), R13
	CBZ   R13, write
	ONES
	ACCUMULATE(V0, V1, V2, V3)

write:
	STORE(V0, V1, V2, V3)
	RET
