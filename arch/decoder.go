package arch

import "math"

// The layers that decoders share, as data. A family starts from one of them
// and changes what it does otherwise.

// change is what a family does otherwise in a layer.
type change func(h Hyper, layer int, l *Layer)

// decoder is the Llama layer with changes.
func decoder(changes ...change) func(Hyper, int) Layer {
	return func(h Hyper, layer int) Layer {
		l := Layer{
			MixNorm: rms("blk.{i}.attn_norm", h), Mixer: grouped(h, layer),
			FeedNorm: rms("blk.{i}.ffn_norm", h), Feed: feedOf(h, layer),
		}
		for _, c := range changes {
			c(h, layer, &l)
		}
		return l
	}
}

// rms is a root mean square norm with weights.
func rms(name string, h Hyper) *Norm { return &Norm{Name: name, Kind: RMSNorm, Eps: h.Eps} }

// grouped is grouped-query attention.
func grouped(h Hyper, layer int) *Attention {
	m := h.Meaning
	rotation := m.Rotation
	a := &Attention{
		Heads: heads(h, layer), KVHeads: keyHeads(h, layer), Dim: headDim(h, layer), ValueDim: valueDim(h, layer),
		Scale: 1 / math.Sqrt(float64(headDim(h, layer))), Rope: &rotation, KeysOf: sizeOf(m.KeysOf, layer, 0),
	}
	if m.Scale != 0 {
		a.Scale = m.Scale
	}
	if at(m.NoRope, layer, false) {
		a.Rope = nil
	}
	if at(m.Sliding, layer, true) {
		if a.Mask.Window = m.Window; m.Local != nil {
			local := *m.Local
			a.Rope = &local
		}
	}
	if a.Rope != nil {
		a.Mask.Chunk = m.Chunk
		if m.UnitHead {
			a.Unit = h.Eps
		}
	}
	if warm := m.Warming; warm.Scale != 0 && warm.Floor > 0 && (a.Rope == nil || m.WarmRope) {
		a.Temperature = &warm
	}
	return a
}

// feedOf is the gated network, or experts in the layers that have them.
func feedOf(h Hyper, layer int) Feed {
	if !h.MoE.In(layer) {
		return &Dense{Width: ff(h, layer), Gated: true, Activation: h.Meaning.Activation, Limit: h.MoE.Clamp}
	}
	e := &Experts{
		Count: h.MoE.Experts, Width: h.MoE.FF, Gated: true, Activation: h.Meaning.Activation, Limit: h.MoE.Clamp,
		Router: h.Meaning.Router, Hashed: layer < h.MoE.HashLayers,
	}
	if h.MoE.SharedFF > 0 {
		e.Shared = shared(h, h.MoE.SharedFF)
	}
	return e
}

func shared(h Hyper, width int) *Dense {
	return &Dense{Suffix: "_shexp", Width: width, Gated: true, Activation: h.Meaning.Activation, Limit: h.MoE.Clamp}
}

// normedHeads scales each query and key head by its root mean square.
func normedHeads(h Hyper, _ int, l *Layer) {
	if a, ok := l.Mixer.(*Attention); ok {
		a.HeadNorm = HeadNorm{Over: EachHead, Eps: h.Eps}
	}
}

// mayNormHeads does so where the model has the weights.
func mayNormHeads(h Hyper, layer int, l *Layer) {
	normedHeads(h, layer, l)
	l.Mixer.(*Attention).HeadNorm.Optional = true
}

// gatedHeads gates the result of attention by rows after each query head.
func gatedHeads(_ Hyper, _ int, l *Layer) {
	if a, ok := l.Mixer.(*Attention); ok {
		a.Gate = QueryGate
	}
}

// gatedShared gates the expert that all positions share.
func gatedShared(_ Hyper, _ int, l *Layer) {
	if e, ok := l.Feed.(*Experts); ok {
		e.SharedGate = e.Shared != nil
	}
}

// sandwiched has a norm after each part as well, before the sum.
func sandwiched(h Hyper, _ int, l *Layer) {
	l.MixPost, l.FeedPost = rms("blk.{i}.post_attention_norm", h), rms("blk.{i}.post_ffw_norm", h)
}

// sinking gives each head a score without a value.
func sinking(_ Hyper, _ int, l *Layer) { l.Mixer.(*Attention).Sinks = true }

// capped caps the scores of attention.
func capped(h Hyper, _ int, l *Layer) {
	l.Mixer.(*Attention).Softcap = h.Value("attn_logit_softcapping")
}

// postNormed has norms after each part alone.
func postNormed(h Hyper, layer int, l *Layer) {
	sandwiched(h, layer, l)
	l.MixNorm, l.FeedNorm = nil, nil
}

// parallel adds both parts to the layer's input.
func parallel(_ Hyper, _ int, l *Layer) { l.Parallel = true }

// oneNorm lets both parts of a parallel layer share the first norm.
func oneNorm(_ Hyper, _ int, l *Layer) { l.FeedNorm = nil }

// centered makes layer norms of the norms around the parts.
func centered(h Hyper, _ int, l *Layer) {
	for _, n := range []*Norm{l.MixNorm, l.MixPost, l.FeedNorm, l.FeedPost} {
		if n != nil {
			n.Kind, n.Eps = LayerNorm, h.LayerEps
		}
	}
}

// ungated feeds forward without gates.
func ungated(_ Hyper, _ int, l *Layer) { l.Feed.(*Dense).Gated = false }

// unrotated leaves positions to something else than a rotation.
func unrotated(_ Hyper, _ int, l *Layer) { l.Mixer.(*Attention).Rope = nil }

// normedRows scales queries and keys by the root mean square of all heads of a
// position together.
func normedRows(h Hyper, _ int, l *Layer) {
	l.Mixer.(*Attention).HeadNorm = HeadNorm{Over: WholeRow, Eps: h.Eps}
}

// feedNormed names the norm before the feed-forward part after attention.
func feedNormed(_ Hyper, _ int, l *Layer) { l.FeedNorm.Name = attentionPost }

// latent replaces grouped-query attention by latent attention.
func latent(h Hyper, layer int, l *Layer) {
	a := &LatentAttention{
		Attention: *l.Mixer.(*Attention), QueryRank: h.MLA.QueryRank, KVRank: h.MLA.KVRank, NopeDim: h.MLA.NopeDim, NormEps: h.Meaning.LatentEps,
	}
	a.KVHeads = a.Heads
	a.Scale *= h.Meaning.LatentScale
	if h.Index.TopK > 0 && h.Index.Heads > 0 && a.QueryRank > 0 {
		a.Index = &Indexer{Heads: h.Index.Heads, Dim: h.Index.Dim, TopK: h.Index.TopK, Paired: h.Index.Paired, Shared: at(h.Index.Shared, layer, false)}
	}
	l.Mixer = a
}

// centeredOutput is a layer norm before the logits.
func centeredOutput(h Hyper) Output {
	o := output(h)
	o.Norm.Kind, o.Norm.Eps = LayerNorm, h.LayerEps
	return o
}

// output is an RMS norm before the logits.
func output(h Hyper) Output {
	o := Output{Norm: rms("output_norm", h), Pooling: h.Meaning.Pooling}
	if o.Pooling == RankPooling {
		o.Kind = Classifier
	}
	return o
}

// orOne is 1 where nothing is stated.
func orOne(scale float64) float64 {
	if scale == 0 {
		return 1
	}
	return scale
}

// positionsWeigh adds a linear bias to the scores.
func positionsWeigh(_ Hyper, _ int, l *Layer) { l.Mixer.(*Attention).ALiBi = 8 }

// clamped limits queries, keys and values.
func clamped(h Hyper, _ int, l *Layer) {
	l.Mixer.(*Attention).Clamp = h.Value("attention.clamp_kqv")
}

// oneAfterTheOther reports whether the parts of a layer are not parallel.
func oneAfterTheOther(h Hyper, _ int) bool { return h.Value("use_parallel_residual") == 0 }

// fusedGate has gate and up projection in one matrix.
func fusedGate(_ Hyper, _ int, l *Layer) { l.Feed.(*Dense).Fused = true }
