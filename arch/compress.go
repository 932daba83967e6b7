package arch

import "github.com/f190792d/mq/formats/fault"

// Compress holds the parameters of attention over compressed positions
// (DeepSeek V4); Ratios is nil in every other kind of attention.
type Compress struct {
	Ratios   []int   // by layer: positions that one key stands for; 0 keeps to the window
	RopeBase float64 // of layers with compressed positions
	Window   int     // positions that a query sees as they are, its own included

	OutGroups, OutRank int // groups of heads that the output compresses apart, and to how much
}

// The ratios that exist: windows that overlap by one, whose keys an indexer
// chooses from, and windows apart from each other, which a query sees all of.
const (
	Overlapping = 4
	Separate    = 128
)

// Streams holds the parameters of hyper-connections (Xie et al. 2025,
// arXiv:2512.24880): parallel residual streams with learned mixtures. Count
// is 0 in every other model.
type Streams struct {
	Count      int
	Iterations int // of the Sinkhorn-Knopp algorithm
	Eps        float64
}

func overlapping(Hyper, int) int    { return Overlapping }
func separate(Hyper, int) int       { return Separate }
func three(Hyper, int) int          { return 3 }
func heads(h Hyper, _ int) int      { return h.Heads }
func used(h Hyper, _ int) int       { return h.MoE.Used }
func streams(h Hyper, _ int) int    { return h.Streams.Count }
func allStreams(h Hyper, _ int) int { return h.Streams.Count * h.Embed }
func mixes(h Hyper, _ int) int      { return (2 + h.Streams.Count) * h.Streams.Count }
func outRows(h Hyper, _ int) int    { return h.Compress.OutGroups * h.Compress.OutRank }
func outColumns(h Hyper, _ int) int { return h.Heads * h.HeadDim / max(h.Compress.OutGroups, 1) }

// Ratio returns the ratio of a layer.
func (c Compress) Ratio(layer int) int {
	if layer < len(c.Ratios) {
		return c.Ratios[layer]
	}
	return 0
}

func pairwise(h Hyper, layer int) bool { return h.Compress.Ratio(layer) == Overlapping }
func apart(h Hyper, layer int) bool    { return h.Compress.Ratio(layer) == Separate }

// hashed tells layers whose experts follow from the token, ranked the others.
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
			c.keep(corruptConfig("key \"layer_types\": unknown kind of layer %q", kind))
		}
		ratios = append(ratios, ratio)
	}
	if ratios == nil {
		c.keep(corruptConfig("key \"compress_ratios\" is missing"))
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

// check refuses what no file or graph can express.
func (c Compress) check(h Hyper, file string) error {
	if c.Ratios == nil {
		return nil
	}
	if len(c.Ratios) < h.Layers {
		return fault.Corrupt("convert: %s: compress_ratios has %d entries for %d layers", file, len(c.Ratios), h.Layers)
	}
	for layer, n := range c.Ratios {
		if n != 0 && n != Overlapping && n != Separate {
			return fault.Unsupported("convert: %s: compress_ratios: layer %d: a ratio of %d is none of 0, %d and %d", file, layer, n, Overlapping, Separate)
		}
	}
	if s := h.Streams; s.Count < 1 || s.Count > 64 || s.Iterations > 1<<10 || c.OutGroups < 1 || c.OutGroups > h.Heads || h.Heads%c.OutGroups != 0 || h.KVHeads != 1 {
		return fault.Corrupt("convert: %s: %d residual streams, %d iterations and %d query heads in %d groups on %d key heads make no sense",
			file, s.Count, s.Iterations, h.Heads, c.OutGroups, h.KVHeads)
	}
	return nil
}
