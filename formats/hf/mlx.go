package hf

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/dtype"
)

// MLX stores some tensors in another layout than transformers
// (https://github.com/ml-explore/mlx-lm, "sanitize" of each model): the experts
// of a layer in one tensor, the kernel of a convolution before its channels,
// and norms of gated delta networks with their offset of 1 applied.

// stacked ends the names of the matrices of all experts of a layer.
const stacked = ".switch_mlp."

// expertNames are what a model calls the matrices of one expert, by the name
// of its part with experts; every other calls them as MLX does.
var expertNames = map[string]map[string]string{
	"block_sparse_moe": {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"},
}

// MLX reports whether a checkpoint is in MLX's layout, and how that shows.
func (c *Checkpoint) MLX() (sign string, ok bool) { return c.mlx, c.mlx != "" }

// fromMLX shows tensors in transformers' layout.
func (c *Checkpoint) fromMLX() {
	for _, s := range c.shards {
		if s.format == "mlx" {
			c.mlx = "the header of " + s.name + ` says "mlx"`
		}
	}
	var unstacked, turned, shifted int
	var all []Tensor
	for _, t := range c.tensors {
		experts := unstack(t)
		if experts != nil && len(all)+len(experts) <= maxIndexEntries {
			unstacked++
			all = append(all, experts...)
			continue
		}
		if n := len(t.Shape); strings.HasSuffix(t.Name, "conv1d.weight") && n == 3 && t.Shape[2] == 1 && t.Shape[1] > 1 {
			t.Shape = []int64{t.Shape[0], 1, t.Shape[1]} // the same bytes
			turned++
		}
		all = append(all, t)
	}
	if unstacked == 0 && turned == 0 {
		return
	}
	delta := func(t Tensor) bool { return strings.HasSuffix(t.Name, ".linear_attn.conv1d.weight") }
	if turned > 0 && slices.ContainsFunc(all, delta) {
		for i := range all {
			if all[i].unshift() {
				shifted++
			}
		}
	}
	c.tensors = all
	if c.mlx == "" {
		c.mlx = "its tensors have MLX's names and shapes"
	}
	var done []string
	for _, d := range []struct {
		n    int
		what string
	}{{unstacked, "tensors with all experts of a layer are taken apart"}, {turned, "convolutions are turned back"}, {shifted, "norms are read less 1"}} {
		if d.n > 0 {
			done = append(done, strconv.Itoa(d.n)+" "+d.what)
		}
	}
	c.note("the checkpoint is in MLX's layout (%s): %s", c.mlx, strings.Join(done, ", "))
}

// unstack takes a tensor with all experts of a layer apart; it returns nil for
// any other.
func unstack(t Tensor) []Tensor {
	before, after, ok := strings.Cut(t.Name, stacked)
	part, rest, _ := strings.Cut(after, ".")
	if !ok || len(t.Shape) < 2 || t.Shape[0] <= 0 || t.Shape[0] > maxIndexEntries || t.Size%t.Shape[0] != 0 {
		return nil
	}
	if own := expertNames[before[strings.LastIndexByte(before, '.')+1:]]; own[part] != "" {
		part = own[part]
	}
	list := make([]Tensor, t.Shape[0])
	for e := range list {
		one := t
		one.Name = before + ".experts." + strconv.Itoa(e) + "." + part + "." + rest
		one.Shape = t.Shape[1:]
		one.Size = t.Size / t.Shape[0]
		one.offset += int64(e) * one.Size
		list[e] = one
	}
	return list
}

// offsetNorms end the names of the norms whose weights transformers stores
// less 1.
var offsetNorms = []string{".input_layernorm.weight", ".post_attention_layernorm.weight", "model.norm.weight", ".q_norm.weight", ".k_norm.weight"}

// unshift subtracts the offset of 1 from such a norm. The result is F32, in
// which adding it again gives the stored value.
func (t *Tensor) unshift() bool {
	named := func(suffix string) bool { return strings.HasSuffix(t.Name, suffix) }
	if len(t.Shape) != 1 || !t.DType.Float() || t.DType.Bits() < 16 || !slices.ContainsFunc(offsetNorms, named) {
		return false
	}
	t.shifted, t.Size = &shifted{*t}, 4*t.Shape[0]
	t.DType = dtype.F32
	return true
}

// shifted is a vector that is shown less 1.
type shifted struct{ stored Tensor }

func (s *shifted) readAt(ctx context.Context, p []byte, off int64) (int, error) {
	raw := make([]byte, s.stored.Size)
	if n, err := s.stored.ReadAt(ctx, raw, 0); n < len(raw) {
		return 0, err
	}
	x := make([]float32, s.stored.Shape[0])
	if err := dtype.ToFloat32(x, raw, s.stored.DType); err != nil {
		return 0, err
	}
	for i := range x {
		x[i]--
	}
	bytes := make([]byte, 4*len(x))
	if err := dtype.FromFloat32(bytes, x, dtype.F32); err != nil {
		return 0, err
	}
	n := copy(p, bytes[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
