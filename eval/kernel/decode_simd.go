//go:build (amd64 || arm64) && !noasm

package kernel

// decoders need AVX2 and F16C, or NEON.
var decoders = map[string]decoder{
	"BF16": {8, 16, decodeBF16},
	"F16":  {8, 16, decodeF16},
	"Q8_0": {32, 34, decodeQ8_0},
	"Q4_0": {32, 18, decodeQ4_0},
	"Q4_K": {256, 144, decodeQ4_K},
	"Q5_K": {256, 176, decodeQ5_K},
	"Q6_K": {256, 210, decodeQ6_K},
}
