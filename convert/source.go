package convert

import (
	"context"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
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
	also      []string // further tensors that rows take in
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
		if a.Ignores(s.canonical) {
			continue
		}
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
	r.Read = func(ctx context.Context, p []byte, off int64) error {
		_, err := t.ReadAt(ctx, p, off)
		return err
	}
	return r
}
