package arch

import (
	"fmt"
	"math"

	"github.com/f190792d/mq/formats/fault"
)

// Describe returns what a model computes. Hyperparameters that contradict each
// other are an error.
func Describe(a Arch, h Hyper) (Model, error) {
	m := Model{Output: output(h)}
	if a.Graph.Input != nil {
		m.Input = a.Graph.Input(h)
	}
	if a.Graph.Output != nil {
		m.Output = a.Graph.Output(h)
	}
	layer := a.Graph.Layer
	if layer == nil {
		layer = decoder()
	}
	for i := range min(h.Layers, mostLayers) {
		m.Layers = append(m.Layers, layer(h, i))
	}
	if a.change != nil {
		if err := a.change(h, &m); err != nil {
			return Model{}, err
		}
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		l.MixScale, l.FeedScale, l.SkipScale = orOne(l.MixScale), orOne(l.FeedScale), orOne(l.SkipScale)
		if err := l.check(i); err != nil {
			return Model{}, err
		}
	}
	m.Input.Scale, m.Output.Scale = orOne(m.Input.Scale), orOne(m.Output.Scale)
	return m, nil
}

// check resolves and checks the parts of a layer.
func (l *Layer) check(i int) error {
	problem := checkMixer(l.Mixer)
	if problem == "" {
		problem = checkFeed(l.Feed)
	}
	if problem != "" {
		return fault.Op("arch").Corrupt("layer %d: %s", i, problem)
	}
	return nil
}

// checkMixer returns what is wrong with a mixer, or "".
func checkMixer(m Mixer) string {
	switch m := m.(type) {
	case nil:
	case Mixers:
		for _, part := range m {
			if problem := checkMixer(part); problem != "" {
				return problem
			}
		}
	case *Attention:
		return m.problem()
	case *LatentAttention:
		if m.Rope != nil && (m.NopeDim < 1 || m.NopeDim+m.Rope.Dim != m.Dim) {
			return fmt.Sprintf("%d dimensions of a head are not the sum of %d rotated and %d others", m.Dim, m.Rope.Dim, m.NopeDim)
		}
		return m.problem()
	case *CompressedAttention:
		switch {
		case m.QueryRank < 1 || m.OutRank < 1 || m.OutGroups < 1 || m.Heads%m.OutGroups != 0 || m.Mask.Window < 1 || m.KVHeads != 1:
			return fmt.Sprintf("invalid compressed attention: ranks %d and %d, %d groups of %d heads, %d key heads, a window of %d",
				m.QueryRank, m.OutRank, m.OutGroups, m.Heads, m.KVHeads, m.Mask.Window)
		case m.Overlap && (m.Index == nil || m.Rope != nil && m.Rope.Dim > m.Index.Dim):
			return "the indexer of compressed attention is missing or narrower than what is rotated"
		}
		return m.problem()
	case *ShortConv:
		if m.Kernel < 1 || m.Kernel > widestHead {
			return fmt.Sprintf("invalid convolution of %d positions", m.Kernel)
		}
	case *StateSpace:
		if min(m.Kernel, m.Inner, m.State) < 1 || m.Version == 2 && (min(m.Heads, m.Groups) < 1 || m.Inner%m.Heads != 0 || m.Heads%m.Groups != 0) {
			return fmt.Sprintf("invalid state space: %d channels of %d, %d heads in %d groups, a filter of %d", m.Inner, m.State, m.Heads, m.Groups, m.Kernel)
		}
	case *DeltaNet:
		if min(m.Kernel, m.KeyHeads, m.ValueHeads, m.KeyDim, m.ValueDim) < 1 || m.ValueHeads%m.KeyHeads != 0 {
			return fmt.Sprintf("invalid linear attention: %d key heads of %d, %d value heads of %d, a filter of %d", m.KeyHeads, m.KeyDim, m.ValueHeads, m.ValueDim, m.Kernel)
		}
	}
	return ""
}

// problem returns what is wrong with attention, or "".
func (a *Attention) problem() string {
	switch {
	case min(a.Heads, a.KVHeads, a.Dim, a.ValueDim) < 1 || a.Heads%a.KVHeads != 0:
		return fmt.Sprintf("%d query heads of %d are not a multiple of %d key heads with values of %d", a.Heads, a.Dim, a.KVHeads, a.ValueDim)
	case a.Rope != nil && (a.Rope.Dim < 0 || a.Rope.Dim > a.Dim || a.Rope.Dim%2 != 0):
		return fmt.Sprintf("%d of %d dimensions of a head cannot be rotated in pairs", a.Rope.Dim, a.Dim)
	case a.Mask.Window < 0 || a.Mask.Chunk < 0 || a.KeysOf < 0:
		return fmt.Sprintf("invalid mask: window %d, chunk %d", a.Mask.Window, a.Mask.Chunk)
	case !(a.Scale > 0) || math.IsInf(a.Scale, 0):
		return fmt.Sprintf("invalid scale of the scores: %v", a.Scale)
	}
	return ""
}

// checkFeed resolves a feed-forward part and returns what is wrong with it,
// or "".
func checkFeed(f Feed) string {
	switch f := f.(type) {
	case nil:
	case Feeds:
		for _, part := range f {
			if problem := checkFeed(part); problem != "" {
				return problem
			}
		}
	case *NormedFeed:
		return checkFeed(f.Feed)
	case *Dense:
		if f.Width < 1 {
			return fmt.Sprintf("invalid width of the feed-forward part: %d", f.Width)
		}
	case *Experts:
		r := &f.Router
		r.Scale = orOne(r.Scale)
		if r.Groups <= 1 || r.Groups == r.GroupsUsed { // nothing is left out
			r.Groups, r.GroupsUsed, r.GroupMax = 0, 0, false
		}
		switch {
		case f.Count < 1 || f.Width < 1 || r.Used < 1 || r.Used > f.Count:
			return fmt.Sprintf("%d of %d experts of width %d cannot be chosen", r.Used, f.Count, f.Width)
		case r.Groups > 0 && (f.Count%r.Groups != 0 || r.GroupsUsed < 1 || r.GroupsUsed > r.Groups):
			return fmt.Sprintf("%d experts cannot be chosen from %d of %d groups", f.Count, r.GroupsUsed, r.Groups)
		case f.Shared != nil:
			return checkFeed(f.Shared)
		}
	}
	return ""
}
