package arch

import "slices"

// linear and full tell layers of linear attention from those of full
// attention. Prediction layers have full attention.
func linear(h Hyper, layer int) bool {
	return layer < len(h.Delta.Recurrent) && h.Delta.Recurrent[layer]
}
func full(h Hyper, layer int) bool { return !linear(h, layer) }

// leads tells the first multi-token-prediction layer, which holds what they
// share.
func leads(h Hyper, layer int) bool { return layer == h.Layers }

// The lengths of linear attention.
func deltaKeys(h Hyper, _ int) int     { return h.Delta.KeyHeads * h.Delta.KeyDim }
func deltaValues(h Hyper, _ int) int   { return h.Delta.ValueHeads * h.Delta.ValueDim }
func deltaHeads(h Hyper, _ int) int    { return h.Delta.ValueHeads }
func deltaHeadDim(h Hyper, _ int) int  { return h.Delta.ValueDim }
func deltaKernel(h Hyper, _ int) int   { return h.Delta.Kernel }
func deltaChannels(h Hyper, l int) int { return 2*deltaKeys(h, l) + deltaValues(h, l) }
func deltaMixed(h Hyper, l int) int    { return 2*deltaKeys(h, l) + 2*deltaValues(h, l) }

var deltaParams = []Param{
	u32("ssm.conv_kernel", deltaKernel),
	u32("ssm.state_size", func(h Hyper, _ int) int { return h.Delta.KeyDim }),
	u32("ssm.group_count", func(h Hyper, _ int) int { return h.Delta.KeyHeads }),
	u32("ssm.time_step_rank", deltaHeads),
	u32("ssm.inner_size", deltaValues),
	{Key: "attention.recurrent_layers", From: func(h Hyper) (any, bool) {
		return append(slices.Clip(h.Delta.Recurrent), make([]bool, h.MTPLayers)...), true
	}},
	u32("full_attention_interval", func(h Hyper, _ int) int { return h.Delta.Interval }),
	u32("rope.dimension_count", func(h Hyper, _ int) int { return h.Rope.Dim }),
}

// delta reads linear attention from config.json.
func (c *reader) delta(layers int) Delta {
	d := Delta{
		Kernel:     c.need("linear_conv_kernel_dim"),
		KeyHeads:   c.need("linear_num_key_heads"),
		ValueHeads: c.need("linear_num_value_heads"),
		KeyDim:     c.need("linear_key_head_dim"),
		ValueDim:   c.need("linear_value_head_dim"),
		Interval:   first(c.int("full_attention_interval"), 4),
	}
	if d.ValueHeads%d.KeyHeads != 0 {
		c.keep(c.place("linear_num_value_heads").Corrupt("%d value heads are not a multiple of %d key heads", d.ValueHeads, d.KeyHeads))
	}
	kinds := c.strings("layer_types")
	if kinds != nil && len(kinds) != layers {
		c.keep(c.place("layer_types").Corrupt(" has %d entries for %d layers", len(kinds), layers))
		return d
	}
	for layer := range min(layers, mostLayers) {
		recurrent := (layer+1)%d.Interval != 0
		if kinds != nil {
			recurrent = kinds[layer] == "linear_attention"
		}
		d.Recurrent = append(d.Recurrent, recurrent)
	}
	return d
}

func deltaFile(g *fileReader, h *Hyper) { h.Delta = g.delta(h.Layers) }

// delta reads linear attention from a file.
func (g *fileReader) delta(layers int) Delta {
	d := Delta{
		Kernel:     g.int("ssm.conv_kernel"),
		KeyHeads:   g.int("ssm.group_count"),
		ValueHeads: g.int("ssm.time_step_rank"),
		KeyDim:     g.int("ssm.state_size"),
		Interval:   first(g.int("full_attention_interval"), 4),
	}
	if d.ValueHeads == 0 {
		return Delta{}
	}
	d.ValueDim = g.int("ssm.inner_size") / d.ValueHeads
	stated, _ := g.kvs.Bools(g.prefix + "attention.recurrent_layers")
	for layer := range min(layers, mostLayers) {
		recurrent := (layer+1)%d.Interval != 0
		if layer < len(stated) {
			recurrent = stated[layer]
		}
		d.Recurrent = append(d.Recurrent, recurrent)
	}
	return d
}
