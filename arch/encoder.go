package arch

// The layers of encoders, whose positions all see each other, as changes to
// those of decoders.

// causal is the key of files that say whether queries see those before alone.
const causal = "attention.causal"

// encoding lets queries see all positions, unless a file says otherwise.
func encoding(h Hyper, _ int, l *Layer) {
	if h.Value(causal) == 0 {
		l.Mixer.(*Attention).Mask.Kind = Full
	}
}

// centeredEmbedding is the layer norm of the embedding.
func centeredEmbedding(h Hyper) *Norm {
	return &Norm{Name: "token_embd_norm", Kind: LayerNorm, Eps: h.LayerEps}
}

// normedSums has layer norms after the residual sums alone.
func normedSums(h Hyper, _ int, l *Layer) {
	l.MixNorm, l.FeedNorm, l.AfterSum = nil, nil, true
	l.MixPost = &Norm{Name: "blk.{i}.attn_output_norm", Kind: LayerNorm, Eps: h.LayerEps}
	l.FeedPost = &Norm{Name: "blk.{i}.layer_output_norm", Kind: LayerNorm, Eps: h.LayerEps}
}

// embeddings gives the last layer's stream as it is.
func embeddings(h Hyper) Output { return Output{Kind: Embeddings, Pooling: h.Meaning.Pooling} }
