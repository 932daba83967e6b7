package arch

// Attention over compressed positions and hyper-connections: the lengths of
// their tensors, and how both sides state them.

func overlapping(Hyper, int) int    { return Overlapping }
func separate(Hyper, int) int       { return Separate }
func three(Hyper, int) int          { return 3 }
func used(h Hyper, _ int) int       { return h.MoE.Used }
func streams(h Hyper, _ int) int    { return h.Streams.Count }
func allStreams(h Hyper, _ int) int { return h.Streams.Count * h.Embed }
func mixes(h Hyper, _ int) int      { return (2 + h.Streams.Count) * h.Streams.Count }
func outRows(h Hyper, _ int) int    { return h.Compress.OutGroups * h.Compress.OutRank }
func outColumns(h Hyper, _ int) int { return h.Heads * h.HeadDim / max(h.Compress.OutGroups, 1) }

func pairwise(h Hyper, layer int) bool { return h.Compress.Ratio(layer) == Overlapping }
func apart(h Hyper, layer int) bool    { return h.Compress.Ratio(layer) == Separate }

// hashed selects the layers whose experts follow from the token, ranked the others.
func hashed(h Hyper, layer int) bool { return layer < h.MoE.HashLayers }
func ranked(h Hyper, layer int) bool { return layer >= h.MoE.HashLayers }

// clamps is the limit of the experts' activations, by layer.
func clamps(h Hyper) (any, bool) {
	limits := make([]float32, h.Layers)
	for i := range limits {
		limits[i] = float32(h.MoE.Clamp)
	}
	return limits, true
}

// compressed reads compressed attention and hyper-connections.
func (c *reader) compressed(h *Hyper) {
	h.Compress = Compress{
		Ratios: c.ratios(), RopeBase: c.float("compress_rope_theta"), Window: c.need("sliding_window"),
		OutGroups: c.need("o_groups"), OutRank: c.need("o_lora_rank"),
	}
	h.Streams = Streams{Count: c.need("hc_mult"), Iterations: c.need("hc_sinkhorn_iters"), Eps: c.float("hc_eps")}
	h.MLA.QueryRank = c.need("q_lora_rank")
	h.Rope.Dim = c.need("qk_rope_head_dim")
	h.MoE.HashLayers = c.int("num_hash_layers")
	h.MoE.Clamp = c.float("swiglu_limit")
}

// ratios reads the ratio of every layer, which transformers gives names.
func (c *reader) ratios() []int {
	if ratios := c.ints("compress_ratios"); ratios != nil {
		return ratios
	}
	var ratios []int
	for _, kind := range c.strings("layer_types") {
		ratio, ok := map[string]int{slidingLayer: 0, "compressed_sparse_attention": Overlapping, "heavily_compressed_attention": Separate}[kind]
		if !ok {
			c.keep(c.place("layer_types").Corrupt("unknown kind of layer %q", kind))
		}
		ratios = append(ratios, ratio)
	}
	if ratios == nil {
		c.keep(c.place("compress_ratios").Corrupt(" is missing"))
	}
	return ratios
}

// compressed reads the same from a file.
func (g *fileReader) compressed(h *Hyper) {
	ratios, ok := g.kvs.Ints(g.prefix + "attention.compress_ratios")
	if !ok {
		return
	}
	h.Compress = Compress{
		RopeBase: g.float("attention.compress_rope_freq_base"), Window: g.int("attention.sliding_window"),
		OutGroups: g.int("attention.output_group_count"), OutRank: g.int("attention.output_lora_rank"),
	}
	for _, n := range ratios {
		h.Compress.Ratios = append(h.Compress.Ratios, int(n))
	}
	h.Streams = Streams{
		Count: g.int("hyper_connection.count"), Iterations: g.int("hyper_connection.sinkhorn_iterations"), Eps: g.float("hyper_connection.epsilon"),
	}
	h.MLA.QueryRank = g.int("attention.q_lora_rank")
	h.MoE.HashLayers = g.int("hash_layer_count")
	if limits, ok := g.kvs.Floats(g.prefix + "swiglu_clamp_exp"); ok && len(limits) > 0 {
		h.MoE.Clamp = limits[0]
	}
}
