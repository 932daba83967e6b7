package graph

import (
	"context"
	"sync"
	"testing"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
)

// counting is a device that lets the processor compute and remembers what it
// was asked for.
type counting struct {
	*compute.CPU
	mutex                sync.Mutex
	kept                 map[string]bool
	products, attentions int
	stray                []string
}

func (c *counting) Keep(m *compute.Matrix) error {
	c.kept[m.Name] = true
	return nil
}

func (c *counting) Multiply(ctx context.Context, b compute.Batch, products ...compute.Product) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, p := range products {
		c.products++
		if !c.kept[p.W.Name] {
			c.stray = append(c.stray, p.W.Name)
		}
	}
	return c.CPU.Multiply(ctx, b, products...)
}

func (c *counting) Attend(ctx context.Context, a *compute.Attention, q compute.Queries, s []compute.Sequence) error {
	c.mutex.Lock()
	c.attentions++
	c.mutex.Unlock()
	return c.CPU.Attend(ctx, a, q, s)
}

// Another engine can stand below the graph: all products and all attention
// pass through the device, which was told of every matrix before.
func TestProductsAndAttentionRunOnTheDevice(t *testing.T) {
	device := &counting{CPU: compute.NewCPU(1), kept: map[string]bool{}}
	m := built(t, &drawn{with: []string{"blk.4.attn_qkv.weight"}}, rich(), Options{Device: device})
	if _, err := m.Logits(t.Context(), prompt, 0); err != nil {
		t.Fatal(err)
	}
	if device.attentions != 2 || device.products < 20 {
		t.Errorf("%d products and %d attentions", device.products, device.attentions)
	}
	if len(device.stray) > 0 {
		t.Errorf("products with matrices that were not announced: %v", device.stray)
	}
	if m.With(Run{Workers: 7}).device != compute.Device(device) {
		t.Error("another run took another device")
	}
}

// Descriptions that contradict themselves are refused.
func TestRefusesSenselessDescriptions(t *testing.T) {
	for name, l := range map[string]arch.Layer{
		"heads":              {Mixer: &arch.Attention{Heads: 4, KVHeads: 3, Dim: 4, ValueDim: 4}},
		"no heads":           {Mixer: &arch.Attention{Dim: 4, ValueDim: 4}},
		"odd rotation":       {Mixer: &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, Rope: &arch.Rotation{Dim: 3}}},
		"keys of itself":     {Mixer: &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 4, KeysOf: 1}},
		"values of no key":   {Mixer: &arch.Attention{Heads: 4, KVHeads: 2, Dim: 4, ValueDim: 6, KeyIsValue: true}},
		"latent dimensions":  {Mixer: &arch.LatentAttention{Attention: arch.Attention{Heads: 4, KVHeads: 4, Dim: 4, ValueDim: 4, Rope: &arch.Rotation{Dim: 2}}, KVRank: 3, NopeDim: 1}},
		"compressed window":  {Mixer: &arch.CompressedAttention{Attention: arch.Attention{Heads: 4, KVHeads: 1, Dim: 4, ValueDim: 4, Rope: &arch.Rotation{Dim: 2}}}},
		"delta heads":        {Mixer: &arch.DeltaNet{Kernel: 4, KeyHeads: 2, ValueHeads: 3, KeyDim: 2, ValueDim: 2}},
		"state space":        {Mixer: &arch.StateSpace{Version: 3, Kernel: 4, Inner: 4, State: 4}},
		"heads of states":    {Mixer: &arch.StateSpace{Version: 2, Kernel: 4, Inner: 4, State: 4, Heads: 3, Groups: 1}},
		"convolution":        {Mixer: &arch.ShortConv{}},
		"experts":            {Feed: &arch.Experts{Count: 2, Width: 4, Router: arch.Router{Used: 3}}},
		"groups":             {Feed: &arch.Experts{Count: 4, Width: 4, Router: arch.Router{Used: 2, Groups: 3, GroupsUsed: 1}}},
		"half a parallel":    {Feed: &arch.Dense{Width: 4}, Parallel: true},
		"half a stream":      {Feed: &arch.Dense{Width: 4}, Streams: &arch.Streams{Count: 2}},
		"no streams":         {Mixer: &arch.ShortConv{Kernel: 2}, Feed: &arch.Dense{Width: 4}, Streams: &arch.Streams{}},
		"mixers with a flaw": {Mixer: arch.Mixers{&arch.ShortConv{Kernel: 2}, &arch.ShortConv{}}},
		"no mixers":          {Mixer: arch.Mixers{}},
		"no feeds":           {Feed: arch.Feeds{}},
	} {
		m := arch.Model{Layers: []arch.Layer{l}}
		if _, err := New(t.Context(), m, &drawn{}, Options{Name: "drawn", Embed: width, Vocab: vocab}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
