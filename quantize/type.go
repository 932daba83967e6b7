package quantize

import (
	"strings"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize/block"
)

// A Type is one row of the table of block types. Its functions work on one
// row of a tensor, whose length is a multiple of Block.
type Type struct {
	ID    gguf.Type
	Name  string // ggml's upper-case spelling, such as "Q4_K"
	Block int    // values of a block
	Bytes int    // bytes of a block

	// Quantize writes len(src)/Block blocks to dst. weights is nil or has
	// one importance, not negative, for each value.
	Quantize func(dst []byte, src, weights []float32)

	// Dequantize fills dst with the values of len(dst)/Block blocks.
	Dequantize func(dst []float32, src []byte)

	// NeedsWeights tells that Quantize requires weights.
	NeedsWeights bool
}

// Types holds every type that a tensor of a GGUF file can have and that this
// program reads and writes, by id.
var Types = []Type{
	row(gguf.TypeF32, block.QuantizeF32, block.DequantizeF32),
	row(gguf.TypeF16, block.QuantizeF16, block.DequantizeF16),
	row(gguf.TypeQ4_0, block.QuantizeQ4_0, block.DequantizeQ4_0),
	row(gguf.TypeQ4_1, block.QuantizeQ4_1, block.DequantizeQ4_1),
	row(gguf.TypeQ5_0, block.QuantizeQ5_0, block.DequantizeQ5_0),
	row(gguf.TypeQ5_1, block.QuantizeQ5_1, block.DequantizeQ5_1),
	row(gguf.TypeQ8_0, block.QuantizeQ8_0, block.DequantizeQ8_0),
	row(gguf.TypeQ2_K, block.QuantizeQ2_K, block.DequantizeQ2_K),
	row(gguf.TypeQ3_K, block.QuantizeQ3_K, block.DequantizeQ3_K),
	row(gguf.TypeQ4_K, block.QuantizeQ4_K, block.DequantizeQ4_K),
	row(gguf.TypeQ5_K, block.QuantizeQ5_K, block.DequantizeQ5_K),
	row(gguf.TypeQ6_K, block.QuantizeQ6_K, block.DequantizeQ6_K),
	row(gguf.TypeIQ2_XXS, block.QuantizeIQ2_XXS, block.DequantizeIQ2_XXS),
	row(gguf.TypeIQ2_XS, block.QuantizeIQ2_XS, block.DequantizeIQ2_XS),
	row(gguf.TypeIQ3_XXS, block.QuantizeIQ3_XXS, block.DequantizeIQ3_XXS),
	row(gguf.TypeIQ1_S, block.QuantizeIQ1_S, block.DequantizeIQ1_S),
	row(gguf.TypeIQ4_NL, block.QuantizeIQ4_NL, block.DequantizeIQ4_NL),
	row(gguf.TypeIQ3_S, block.QuantizeIQ3_S, block.DequantizeIQ3_S),
	row(gguf.TypeIQ2_S, block.QuantizeIQ2_S, block.DequantizeIQ2_S),
	row(gguf.TypeIQ4_XS, block.QuantizeIQ4_XS, block.DequantizeIQ4_XS),
	row(gguf.TypeI8, block.QuantizeI8, block.DequantizeI8),
	row(gguf.TypeI16, block.QuantizeI16, block.DequantizeI16),
	row(gguf.TypeI32, block.QuantizeI32, block.DequantizeI32),
	row(gguf.TypeI64, block.QuantizeI64, block.DequantizeI64),
	row(gguf.TypeF64, block.QuantizeF64, block.DequantizeF64),
	row(gguf.TypeIQ1_M, block.QuantizeIQ1_M, block.DequantizeIQ1_M),
	row(gguf.TypeBF16, block.QuantizeBF16, block.DequantizeBF16),
	row(gguf.TypeTQ1_0, block.QuantizeTQ1_0, block.DequantizeTQ1_0),
	row(gguf.TypeTQ2_0, block.QuantizeTQ2_0, block.DequantizeTQ2_0),
	row(gguf.TypeMXFP4, block.QuantizeMXFP4, block.DequantizeMXFP4),
	row(gguf.TypeNVFP4, block.QuantizeNVFP4, block.DequantizeNVFP4),
	row(gguf.TypeQ1_0, block.QuantizeQ1_0, block.DequantizeQ1_0),
	row(gguf.TypeQ2_0, block.QuantizeQ2_0, block.DequantizeQ2_0),
}

// row completes a table row from what the file format says of the type.
func row(id gguf.Type, quantize func([]byte, []float32, []float32), dequantize func([]float32, []byte)) Type {
	return Type{
		ID: id, Name: id.String(), Block: id.BlockLen(), Bytes: id.BlockBytes(),
		Quantize: quantize, Dequantize: dequantize, NeedsWeights: needsWeights[id],
	}
}

// needsWeights holds the types whose grids are too coarse to be searched
// without knowing which columns matter.
var needsWeights = map[gguf.Type]bool{
	gguf.TypeIQ2_XXS: true,
	gguf.TypeIQ2_XS:  true,
	gguf.TypeIQ1_S:   true,
}

// ByID finds a type by its number in a file.
func ByID(id gguf.Type) (Type, bool) {
	for _, t := range Types {
		if t.ID == id {
			return t, true
		}
	}
	return Type{}, false
}

// ByName finds a type by its name, in any case.
func ByName(name string) (Type, bool) {
	for _, t := range Types {
		if strings.EqualFold(t.Name, name) {
			return t, true
		}
	}
	return Type{}, false
}
