package quantize

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize/block"
)

// A Type is one row of the table of block types: all that mq knows of a type
// beyond its layout, which is the file format's. Its functions work on one row
// of a tensor, whose length is a multiple of Block.
type Type struct {
	ID    gguf.Type
	Name  string // ggml's upper-case spelling, such as "Q4_K"
	Block int    // values in a block
	Bytes int    // bytes in a block

	// Quantize writes len(src)/Block blocks to dst. weights is nil or has
	// one importance, not negative, for each value.
	Quantize func(dst []byte, src, weights []float32)

	// Dequantize fills dst with the values of len(dst)/Block blocks.
	Dequantize func(dst []float32, src []byte)

	// Fallback is the type of shorter blocks that takes the place of this one
	// where the row length is not a multiple of Block; F16 where there is no
	// shorter block. F32 stands for none: such a tensor is refused.
	Fallback gguf.Type

	// Activation is the type to which ggml rounds the activations that weights
	// of this type are multiplied by; F32 where it does not round.
	Activation gguf.Type

	NeedsWeights bool // Quantize requires weights
	WantsWeights bool // a matrix inside a layer is useless if quantized without weights
	Slow         bool // Quantize searches a codebook: some thirty times the time of a K type
	Candidate    bool // the types for a target size are chosen among these by default

	// Grid is what values the blocks can hold, where every code can be chosen by
	// itself; nil: the type has no such form.
	Grid *block.Grid

	scales []int
}

// Scales returns the byte offsets, within a block, of its half-precision
// scales. It is empty for types whose scales have another form.
func (t Type) Scales() []int { return slices.Clone(t.scales) }

// types holds every type that a tensor of a GGUF file can have and that this
// program reads and writes, by id. What ggml decides in it (fallbacks, weights,
// activations) follows llama.cpp v0.5.0.
var types = withLayouts([]Type{
	{ID: gguf.TypeF32, Quantize: block.QuantizeF32, Dequantize: block.DequantizeF32},
	{ID: gguf.TypeF16, Quantize: block.QuantizeF16, Dequantize: block.DequantizeF16,
		Activation: gguf.TypeF16, Candidate: true},
	{ID: gguf.TypeQ4_0, Quantize: block.QuantizeQ4_0, Dequantize: block.DequantizeQ4_0, Grid: &block.GridQ4_0,
		Fallback: gguf.TypeF16, Activation: gguf.TypeQ8_0, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeQ4_1, Quantize: block.QuantizeQ4_1, Dequantize: block.DequantizeQ4_1, Grid: &block.GridQ4_1,
		Fallback: gguf.TypeF16, Activation: gguf.TypeQ8_1, Candidate: true, scales: []int{0, 2}},
	{ID: gguf.TypeQ5_0, Quantize: block.QuantizeQ5_0, Dequantize: block.DequantizeQ5_0, Grid: &block.GridQ5_0,
		Fallback: gguf.TypeF16, Activation: gguf.TypeQ8_0, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeQ5_1, Quantize: block.QuantizeQ5_1, Dequantize: block.DequantizeQ5_1, Grid: &block.GridQ5_1,
		Fallback: gguf.TypeF16, Activation: gguf.TypeQ8_1, Candidate: true, scales: []int{0, 2}},
	{ID: gguf.TypeQ8_0, Quantize: block.QuantizeQ8_0, Dequantize: block.DequantizeQ8_0, Grid: &block.GridQ8_0,
		Fallback: gguf.TypeF16, Activation: gguf.TypeQ8_0, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeQ2_K, Quantize: block.QuantizeQ2_K, Dequantize: block.DequantizeQ2_K, Grid: &block.GridQ2_K,
		Fallback: gguf.TypeQ4_0, Activation: gguf.TypeQ8_K, Candidate: true, scales: []int{80, 82}},
	{ID: gguf.TypeQ3_K, Quantize: block.QuantizeQ3_K, Dequantize: block.DequantizeQ3_K, Grid: &block.GridQ3_K,
		Fallback: gguf.TypeQ4_0, Activation: gguf.TypeQ8_K, Candidate: true, scales: []int{108}},
	{ID: gguf.TypeQ4_K, Quantize: block.QuantizeQ4_K, Dequantize: block.DequantizeQ4_K, Grid: &block.GridQ4_K,
		Fallback: gguf.TypeQ5_0, Activation: gguf.TypeQ8_K, Candidate: true, scales: []int{0, 2}},
	{ID: gguf.TypeQ5_K, Quantize: block.QuantizeQ5_K, Dequantize: block.DequantizeQ5_K, Grid: &block.GridQ5_K,
		Fallback: gguf.TypeQ5_1, Activation: gguf.TypeQ8_K, Candidate: true, scales: []int{0, 2}},
	{ID: gguf.TypeQ6_K, Quantize: block.QuantizeQ6_K, Dequantize: block.DequantizeQ6_K, Grid: &block.GridQ6_K,
		Fallback: gguf.TypeQ8_0, Activation: gguf.TypeQ8_K, Candidate: true, scales: []int{208}},
	{ID: gguf.TypeIQ2_XXS, Quantize: block.QuantizeIQ2_XXS, Dequantize: block.DequantizeIQ2_XXS, Grid: &block.GridIQ2_XXS,
		Fallback: gguf.TypeIQ4_NL, Activation: gguf.TypeQ8_K, NeedsWeights: true, WantsWeights: true, Slow: true, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeIQ2_XS, Quantize: block.QuantizeIQ2_XS, Dequantize: block.DequantizeIQ2_XS, Grid: &block.GridIQ2_XS,
		Fallback: gguf.TypeIQ4_NL, Activation: gguf.TypeQ8_K, NeedsWeights: true, WantsWeights: true, Slow: true, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeIQ3_XXS, Quantize: block.QuantizeIQ3_XXS, Dequantize: block.DequantizeIQ3_XXS, Grid: &block.GridIQ3_XXS,
		Fallback: gguf.TypeIQ4_NL, Activation: gguf.TypeQ8_K, WantsWeights: true, Slow: true, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeIQ1_S, Quantize: block.QuantizeIQ1_S, Dequantize: block.DequantizeIQ1_S, Grid: &block.GridIQ1_S,
		Fallback: gguf.TypeIQ4_NL, Activation: gguf.TypeQ8_K, NeedsWeights: true, WantsWeights: true, Slow: true, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeIQ4_NL, Quantize: block.QuantizeIQ4_NL, Dequantize: block.DequantizeIQ4_NL, Grid: &block.GridIQ4_NL,
		Fallback: gguf.TypeF16, Activation: gguf.TypeQ8_0, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeIQ3_S, Quantize: block.QuantizeIQ3_S, Dequantize: block.DequantizeIQ3_S, Grid: &block.GridIQ3_S,
		Fallback: gguf.TypeIQ4_NL, Activation: gguf.TypeQ8_K, Slow: true, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeIQ2_S, Quantize: block.QuantizeIQ2_S, Dequantize: block.DequantizeIQ2_S, Grid: &block.GridIQ2_S,
		Fallback: gguf.TypeIQ4_NL, Activation: gguf.TypeQ8_K, WantsWeights: true, Slow: true, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeIQ4_XS, Quantize: block.QuantizeIQ4_XS, Dequantize: block.DequantizeIQ4_XS, Grid: &block.GridIQ4_XS,
		Fallback: gguf.TypeIQ4_NL, Activation: gguf.TypeQ8_K, Candidate: true, scales: []int{0}},
	{ID: gguf.TypeI8, Quantize: block.QuantizeI8, Dequantize: block.DequantizeI8},
	{ID: gguf.TypeI16, Quantize: block.QuantizeI16, Dequantize: block.DequantizeI16},
	{ID: gguf.TypeI32, Quantize: block.QuantizeI32, Dequantize: block.DequantizeI32},
	{ID: gguf.TypeI64, Quantize: block.QuantizeI64, Dequantize: block.DequantizeI64},
	{ID: gguf.TypeF64, Quantize: block.QuantizeF64, Dequantize: block.DequantizeF64},
	{ID: gguf.TypeIQ1_M, Quantize: block.QuantizeIQ1_M, Dequantize: block.DequantizeIQ1_M, Grid: &block.GridIQ1_M,
		Fallback: gguf.TypeIQ4_NL, Activation: gguf.TypeQ8_K, WantsWeights: true, Slow: true, Candidate: true},
	{ID: gguf.TypeBF16, Quantize: block.QuantizeBF16, Dequantize: block.DequantizeBF16,
		Activation: gguf.TypeBF16, Candidate: true},
	{ID: gguf.TypeTQ1_0, Quantize: block.QuantizeTQ1_0, Dequantize: block.DequantizeTQ1_0, Grid: &block.GridTQ1_0,
		Fallback: gguf.TypeQ4_0, Activation: gguf.TypeQ8_K, scales: []int{52}},
	{ID: gguf.TypeTQ2_0, Quantize: block.QuantizeTQ2_0, Dequantize: block.DequantizeTQ2_0, Grid: &block.GridTQ2_0,
		Fallback: gguf.TypeQ4_0, Activation: gguf.TypeQ8_K, scales: []int{64}},
	{ID: gguf.TypeMXFP4, Quantize: block.QuantizeMXFP4, Dequantize: block.DequantizeMXFP4, Grid: &block.GridMXFP4,
		Fallback: gguf.TypeF16, Activation: gguf.TypeQ8_0},
	{ID: gguf.TypeNVFP4, Quantize: block.QuantizeNVFP4, Dequantize: block.DequantizeNVFP4, Grid: &block.GridNVFP4,
		Activation: gguf.TypeQ8_0},
	{ID: gguf.TypeQ1_0, Quantize: block.QuantizeQ1_0, Dequantize: block.DequantizeQ1_0, Grid: &block.GridQ1_0,
		Activation: gguf.TypeQ8_0, scales: []int{0}},
	{ID: gguf.TypeQ2_0, Quantize: block.QuantizeQ2_0, Dequantize: block.DequantizeQ2_0, Grid: &block.GridQ2_0,
		Fallback: gguf.TypeQ4_0, Activation: gguf.TypeQ8_0, scales: []int{0}},
})

// withLayouts completes the rows by what the file format says of each type.
func withLayouts(rows []Type) []Type {
	for i := range rows {
		t := &rows[i]
		t.Name, t.Block, t.Bytes = t.ID.String(), t.ID.BlockLen(), t.ID.BlockBytes()
	}
	return rows
}

// Types returns the whole table, by id.
func Types() []Type { return slices.Clone(types) }

// ByID returns the type with the given number in a file.
func ByID(id gguf.Type) (Type, bool) {
	for i := range types {
		if types[i].ID == id {
			return types[i], true
		}
	}
	return Type{}, false
}

// ByName returns the type with the given name, in any case.
func ByName(name string) (Type, bool) {
	for i := range types {
		if strings.EqualFold(types[i].Name, name) {
			return types[i], true
		}
	}
	return Type{}, false
}
