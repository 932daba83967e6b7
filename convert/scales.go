package convert

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// float8 are the element types whose tensors have scales beside them.
var float8 = []dtype.DType{dtype.F8E4M3, dtype.F8E5M2}

// scaleSuffixes end the names of the scales of a weight, and what they stand
// in place of.
var scaleSuffixes = [][2]string{{"_scale_inv", ""}, {"_scale", ""}, {".qscale_weight", ".weight"}, {".scale", ".weight"}}

// unusedSuffixes end the names of scales that only a quantized runtime needs.
var unusedSuffixes = []string{".activation_scale", "_activation_scale", ".input_scale", ".k_scale", ".v_scale", ".qscale_act"}

// applyScales multiplies 8-bit float weights with their scales, packs 4-bit
// ones with theirs, and drops the scales from the list. Blocks have the size that quantization_config states,
// else what the number of scales implies.
func applyScales(all []source, config hf.Config) []source {
	index := make(map[string]int, len(all))
	quantized := false
	for i, s := range all {
		index[s.name] = i
		quantized = quantized || slices.Contains(float8, s.stored) || s.stored == dtype.F8E8M0
	}
	if !quantized {
		return all
	}
	block, err := config.Ints("quantization_config.weight_block_size")
	if err != nil || len(block) != 2 {
		block = []int64{128, 128}
	}
	drop := make([]bool, len(all))
	for i, s := range all {
		for _, suffix := range unusedSuffixes {
			drop[i] = drop[i] || strings.HasSuffix(s.name, suffix)
		}
		for _, suffix := range scaleSuffixes {
			name, isScale := strings.CutSuffix(s.name, suffix[0])
			w, ok := index[name+suffix[1]]
			switch {
			case !isScale || !ok || drop[i]:
			case slices.Contains(float8, all[w].stored):
				all[w].rows = scaled(all[w], s, block)
				drop[i] = true
			case pairs(all[w], s):
				all[w].rows = transform.MXFP4(all[w].rows, s.rows)
				all[w].shape = []int64{all[w].shape[0], 2 * all[w].shape[1]}
				all[w].also = append(all[w].also, s.name)
				drop[i] = true
			}
		}
	}
	kept := all[:0:0]
	for i, s := range all {
		if !drop[i] {
			kept = append(kept, s)
		}
	}
	return kept
}

// scaled applies scales to a weight: one for the tensor, one for each row, or
// one for each block.
func scaled(w, s source, block []int64) transform.Rows {
	rows := int64(1) // of one matrix
	if n := len(w.shape); n >= 2 {
		rows = w.shape[n-2]
	}
	matrices := max(w.rows.Count/max(rows, 1), 1)
	switch s.rows.Elements() {
	case 1:
		return transform.Scale(w.rows, s.rows, w.rows.Count, w.rows.Count, w.rows.Columns)
	case matrices:
		return transform.Scale(w.rows, s.rows, rows, rows, w.rows.Columns)
	case w.rows.Count:
		if n := len(s.shape); n > 1 && s.shape[n-1] != 1 {
			break // blocks that are as many as rows
		}
		return transform.Scale(w.rows, s.rows, rows, 1, w.rows.Columns)
	}
	return transform.Scale(w.rows, s.rows, rows, block[0], block[1])
}

// pairs tells whether a weight holds two numbers of 4 bits in a byte, with an
// exponent for 32 of them.
func pairs(w, s source) bool {
	packed := w.stored == dtype.I8 || w.stored == dtype.U8
	return packed && s.stored == dtype.F8E8M0 && len(w.shape) == 2 && len(s.shape) == 2 && w.shape[0] == s.shape[0] && w.shape[1] == 16*s.shape[1]
}
