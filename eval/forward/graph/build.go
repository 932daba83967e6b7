package graph

import (
	"cmp"
	"context"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/forward/rotary"
)

// New builds a model from its description and its weights. Every tensor is
// looked up and its shape compared; none is read whole but the small ones.
func New(ctx context.Context, description arch.Model, w Weights, o Options) (*Model, error) {
	b := &builder{ctx: ctx, weights: w, Options: o, ropes: map[string]*rotary.Embedding{}}
	if b.Device == nil {
		b.Device = compute.NewCPU(o.Workers)
	}
	m := &Model{name: o.Name, limit: o.Context, how: o.Run, device: b.Device, free: &compute.Spare[memory]{}, width: o.Embed, readAhead: o.ReadAhead, lastMixer: -1}
	b.input(m, description.Input, len(description.Layers))
	if b.err != nil {
		return nil, b.err
	}
	for i, l := range description.Layers {
		m.layers = append(m.layers, b.layer(l, i))
		if b.err != nil {
			return nil, b.err
		}
		if l.Mixer != nil {
			m.lastMixer = i
		}
		m.shares = m.shares || sharesKeys(l.Mixer)
		m.full = m.full || isFull(l.Mixer)
	}
	b.output(m, description.Output)
	return m, b.err
}

// input loads what stands before the layers.
func (b *builder) input(m *Model, in arch.Input, layers int) {
	m.embedScale = float32(cmp.Or(in.Scale, 1))
	rows := cmp.Or(b.Vocab, compute.AnyRows)
	embed := b.linear("token_embd", 0, rows, b.Embed)
	if b.err != nil {
		return
	}
	m.embed, b.Vocab = embed.w, embed.w.Rows
	m.embedNorm = b.norm(in.Norm, 0, b.Embed)
	m.byLayer = b.layerEmbedding(in.PerLayer, layers)
	if in.Positions {
		m.positions = b.linear("position_embd", 0, cmp.Or(b.Context, compute.AnyRows), b.Embed).w
	}
	if in.TokenTypes {
		if types := b.linear("token_types", 0, compute.AnyRows, b.Embed).w; types != nil {
			m.types = make([]float32, b.Embed)
			_, err := types.Row(b.ctx, m.types, 0, nil, nil)
			b.keep(err)
		}
	}
}

// output loads what stands after the layers.
func (b *builder) output(m *Model, out arch.Output) {
	m.out = output{
		norm: b.norm(out.Norm, 0, b.Embed), pooling: out.Pooling,
		scale: float32(cmp.Or(out.Scale, 1)), softcap: float32(out.Softcap),
	}
	if out.Streams != nil {
		m.head = b.connection("output_hc", 0, out.Streams, epsOf(out.Norm), true)
	}
	m.altUp = b.altUpEnds(out.AltUp)
	cols := b.Embed
	for _, p := range out.Projections {
		m.out.projections = append(m.out.projections, b.linear(p.Name, 0, p.Rows, cols))
		cols = p.Rows
	}
	switch out.Kind {
	case arch.Classifier:
		m.out.linear = b.linear("cls.output", 0, compute.AnyRows, b.Embed)
		if m.out.w != nil {
			m.out.vocab = m.out.w.Rows
		}
	case arch.Logits:
		m.out.linear, m.out.vocab = b.optional("output", 0, b.Vocab, b.Embed), b.Vocab
		if m.out.w == nil {
			m.out.linear = linear{m.embed, b.vector("output.bias", 0, b.Vocab)}
		}
	}
}

// layer loads a layer.
func (b *builder) layer(l arch.Layer, i int) layer {
	built := layer{
		mixNorm: b.norm(l.MixNorm, i, b.Embed), mixPost: b.norm(l.MixPost, i, b.Embed),
		feedNorm: b.norm(l.FeedNorm, i, b.Embed), feedPost: b.norm(l.FeedPost, i, b.Embed),
		mixScale: float32(cmp.Or(l.MixScale, 1)), feedScale: float32(cmp.Or(l.FeedScale, 1)), skipScale: float32(cmp.Or(l.SkipScale, 1)),
		parallel: l.Parallel, afterSum: l.AfterSum,
	}
	built.altUp, built.laurel = b.altUp(l.AltUp, i), b.laurel(l.Laurel, i)
	built.inject = b.injection(l.PerLayer, i)
	if l.OutScale {
		built.outScale = b.vector("blk.{i}.layer_output_scale.weight", i, 1)
	}
	if l.Mixer != nil {
		built.mix = b.mixer(l.Mixer, i)
	}
	if l.Feed != nil && b.err == nil {
		built.feed = b.feed(l.Feed, i)
	}
	if l.Streams != nil {
		built.mixStreams = b.connection("blk.{i}.hc_attn", i, l.Streams, epsOf(l.MixNorm), false)
		built.feedStreams = b.connection("blk.{i}.hc_ffn", i, l.Streams, epsOf(l.MixNorm), false)
	}
	if b.err == nil && (l.Parallel || l.Streams != nil) && (built.mix == nil || built.feed == nil) {
		b.invalid(i, "runs two parts side by side and has only one")
	}
	return built
}

// mixer loads a mixer by its type.
func (b *builder) mixer(m arch.Mixer, l int) mixer {
	switch m := m.(type) {
	case *arch.Attention:
		return b.attention(m, l)
	case *arch.LatentAttention:
		return b.latent(m, l)
	case *arch.CompressedAttention:
		return b.compressed(m, l)
	case *arch.DeltaNet:
		return b.delta(m, l)
	case *arch.StateSpace:
		return b.stateSpace(m, l)
	case *arch.ShortConv:
		return b.shortConv(m, l)
	case arch.Mixers:
		var all mixers
		for _, one := range m {
			if all = append(all, b.mixer(one, l)); b.err != nil {
				return nil
			}
		}
		if all != nil {
			return all
		}
	}
	b.invalid(l, "mixer %T cannot be computed", m)
	return nil
}

// feed loads a feed-forward part by its type.
func (b *builder) feed(f arch.Feed, l int) feed {
	switch f := f.(type) {
	case *arch.Dense:
		return b.dense(f, l)
	case *arch.Experts:
		return b.experts(f, l)
	case *arch.NormedFeed:
		return b.normed(f, l)
	case arch.Feeds:
		var all feeds
		for _, one := range f {
			if all = append(all, b.feed(one, l)); b.err != nil {
				return nil
			}
		}
		if all != nil {
			return all
		}
	}
	b.invalid(l, "feed-forward part %T cannot be computed", f)
	return nil
}

// normed loads a part and the norms around it.
func (b *builder) normed(d *arch.NormedFeed, l int) feed {
	part := b.feed(d.Feed, l)
	if part == nil {
		return nil
	}
	return &normedFeed{
		before: b.norm(d.Before, l, b.Embed), after: b.norm(d.After, l, b.Embed), names: [2]string{nameOf(d.Before), nameOf(d.After)}, part: part,
	}
}

// sharesKeys reports whether a mixer uses keys of another layer, or its choice
// of them.
func sharesKeys(m arch.Mixer) bool {
	switch a := m.(type) {
	case *arch.Attention:
		return a.KeysOf != 0
	case *arch.LatentAttention:
		return a.Index != nil && a.Index.Shared
	}
	return false
}

// isFull reports whether queries of a mixer see later positions.
func isFull(m arch.Mixer) bool {
	a, ok := m.(*arch.Attention)
	return ok && a.Mask.Kind == arch.Full
}
