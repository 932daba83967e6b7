//go:build arm64 && !noasm

package dtype

// Every arm64 processor has NEON.
var fast = rows{widenF16NEON, widenBF16NEON, narrowF16NEON, narrowBF16NEON, scaleCodesNEON, moveCodesNEON}
