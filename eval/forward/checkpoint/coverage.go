package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// Covered returns an error that names tensors of the checkpoint which nothing
// has asked for, where the architecture does not leave them out on purpose: a
// model that is computed without them is another one. Call it when the model
// is built.
func (c *Loader) Covered() error {
	names := c.a.Names()
	_, quantized := c.files.Quantization()
	var left []string
	for canonical, t := range c.tensors {
		if !c.taken[t.Name] && !c.dispensable(names, t.Name, canonical) && !(quantized && c.besideTaken(t.Name)) {
			left = append(left, t.Name)
		}
	}
	if len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	const some = 3
	list := strings.Join(left[:min(some, len(left))], ", ")
	if n := len(left) - some; n > 0 {
		list += fmt.Sprintf(" and %d more", n)
	}
	return fault.Op("forward").Folder(c.files.Name()).Unsupported("%s does not compute with %s", c.h.Class, list)
}

// besideTaken reports whether a tensor of a quantized checkpoint is a part of a
// matrix that was asked for, such as its scales.
func (c *Loader) besideTaken(name string) bool {
	if strings.HasSuffix(name, "bias") {
		return false
	}
	for i, b := range name {
		if prefix := name[:i]; (b == '.' || b == '_') && (c.taken[prefix] || c.taken[prefix+".weight"] || c.taken[prefix+"_blocks"]) {
			return true
		}
	}
	return false
}

// ofImages are tensors of files that only tokens of images use.
var ofImages = []string{"blk.{i}.exp_probs_b_vl.bias"}

// dispensable reports whether a model is the same without a tensor: one of
// another modality, of layers that predict further tokens, of what training
// leaves behind, a scale of activations, or one that no file takes.
func (c *Loader) dispensable(names arch.Names, name, canonical string) bool {
	if c.a.Ignores(canonical) {
		return true
	}
	if _, ok := arch.Surplus(canonical); ok {
		return true
	}
	_, layer, _ := arch.Template(canonical)
	if layer >= c.h.Layers && (layer < c.h.Layers+c.h.DroppedLayers || strings.Contains(name, "mtp.")) {
		return true
	}
	if slices.ContainsFunc(activationScales, func(suffix string) bool { return strings.HasSuffix(canonical, suffix) }) {
		return true
	}
	template, _, ok := names.Match(canonical)
	return ok && slices.ContainsFunc(c.a.Tensors, func(t arch.Tensor) bool {
		return t.Source == template && (t.Target == "" || t.Idle || slices.Contains(ofImages, t.Target))
	})
}
