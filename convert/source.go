package convert

import (
	"context"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/dtype"
)

// source is one tensor of the checkpoint as the templates see it: under its
// canonical name and with quantized weights decoded.
type source struct {
	name      string // in the checkpoint
	canonical string
	file      string
	shape     []int64     // outermost dimension first
	stored    dtype.DType // in the checkpoint; rows may have another
	rows      transform.Rows
	also      []string // further tensors that rows take in
	merged    bool     // an adapter has changed it
	exact     func(context.Context) (unpack.Packed, bool, error)
}

// sources lists the tensors of a checkpoint in the order in which the
// reference converter meets them.
func sources(from *unpack.Checkpoint, a arch.Arch, h arch.Hyper) []source {
	all := make([]source, len(from.Tensors))
	for i, t := range from.Tensors {
		all[i] = source{
			name: t.Name, canonical: a.Canonical(t.Name, h), file: t.File, shape: t.Shape, stored: t.Stored,
			rows: t.Rows, also: t.Also, exact: t.Exact, merged: t.Merged,
		}
	}
	return all
}

// headless reports whether a checkpoint is a decoder without the matrix after
// it, as embedding models are stored.
func headless(all []source) bool {
	return !slices.ContainsFunc(all, func(s source) bool { return s.name == s.canonical })
}

// storesHead reports whether a checkpoint has an output matrix of its own,
// whatever config.json says.
func storesHead(a arch.Arch, all []source) bool {
	return slices.ContainsFunc(all, func(s source) bool {
		template, _, _ := arch.Template(s.canonical)
		return slices.ContainsFunc(a.Tensors, func(t arch.Tensor) bool { return t.Untied && t.Source == template })
	})
}

// predictionLayers counts the layers after the last that a checkpoint holds
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
