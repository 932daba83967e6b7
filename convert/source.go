package convert

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/convert/arch"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/hf"
)

// source is one tensor of the checkpoint as the templates see it: under its
// canonical name and with the scales of quantized weights applied.
type source struct {
	name      string // in the checkpoint
	canonical string
	file      string
	shape     []int64     // outermost dimension first
	stored    dtype.DType // in the checkpoint; rows may have another
	rows      transform.Rows
}

// sources lists the tensors of a checkpoint in the order in which the
// reference converter meets them.
func sources(ckpt *hf.Checkpoint, a arch.Arch, h arch.Hyper) []source {
	var all []source
	for _, t := range ckpt.Tensors() {
		all = append(all, source{
			name:      t.Name,
			canonical: a.Canonical(t.Name, h),
			file:      t.File,
			shape:     t.Shape,
			stored:    t.DType,
			rows:      tensorRows(t),
		})
	}
	return applyScales(all, ckpt.Config())
}

// headless tells whether a checkpoint is a decoder without the matrix behind
// it, as embedding models are stored.
func headless(all []source) bool {
	return !slices.ContainsFunc(all, func(s source) bool { return s.name == s.canonical })
}

// predictionLayers counts the layers behind the last that a checkpoint holds
// for multi-token prediction and that conversion keeps; config.json often does
// not tell.
func predictionLayers(all []source, a arch.Arch, h arch.Hyper) int {
	count := 0
	for _, s := range all {
		named := strings.HasPrefix(strings.TrimPrefix(s.name, "model."), "mtp.")
		if _, layer, _ := arch.Template(s.canonical); named || a.KeepsPredictions && layer < h.Layers+h.DroppedLayers {
			count = max(count, layer+1-h.Layers)
		}
	}
	return count
}

// tensorRows reads a stored tensor.
func tensorRows(t hf.Tensor) transform.Rows {
	r := transform.Rows{DType: t.DType, Columns: 1, Count: 1}
	for i, n := range t.Shape {
		if i == len(t.Shape)-1 {
			r.Columns = n
		} else {
			r.Count *= n
		}
	}
	r.Read = func(p []byte, off int64) error {
		_, err := t.ReadAt(p, off)
		return err
	}
	return r
}

// float8 are the element types whose tensors have scales beside them.
var float8 = []dtype.DType{dtype.F8E4M3, dtype.F8E5M2}

// scaleSuffixes end the names of the scales of a weight, and what they stand
// in place of.
var scaleSuffixes = [][2]string{{"_scale_inv", ""}, {"_scale", ""}, {".qscale_weight", ".weight"}}

// unusedSuffixes end the names of scales that only a quantized runtime needs.
var unusedSuffixes = []string{".activation_scale", "_activation_scale", ".input_scale", ".k_scale", ".v_scale", ".qscale_act"}

// applyScales multiplies 8-bit float weights with their scales and drops the
// scales from the list. Blocks have the size that quantization_config states,
// else what the number of scales implies.
func applyScales(all []source, config hf.Config) []source {
	index := make(map[string]int, len(all))
	quantized := false
	for i, s := range all {
		index[s.name] = i
		quantized = quantized || slices.Contains(float8, s.stored)
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
			if !isScale || !ok || drop[i] || !slices.Contains(float8, all[w].stored) {
				continue
			}
			all[w].rows = scaled(all[w], s, block)
			drop[i] = true
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
		return transform.Scale(w.rows, s.rows, rows, 1, w.rows.Columns)
	}
	return transform.Scale(w.rows, s.rows, rows, block[0], block[1])
}
