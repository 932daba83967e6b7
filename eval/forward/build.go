package forward

import (
	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/formats/fault"
)

// loader gives tensors by their name in GGUF files, with {i} for the layer.
// A tensor that is absent is nil without an error; one of another shape than
// asked for is an error that names it.
type loader interface {
	hyper() arch.Hyper
	arch() arch.Arch
	rope(arch.Hyper) (*rope, error)
	attention(layer int) attentionPlan
	router(layer int) router

	// ropeStyle says which dimensions rotate together.
	ropeStyle() arch.RopeStyle
	// vector returns a tensor of one dimension of n elements.
	vector(name string, layer, n int) ([]float32, error)
	// numbers returns a small tensor of any shape with n elements.
	numbers(name string, layer, n int) ([]float32, error)
	// matrix returns a tensor of rows × cols; anyRows takes any number.
	matrix(name string, layer, rows, cols int) (*matrix, error)
	// integers returns n whole numbers, nil where there are none.
	integers(name string, layer, n int) ([]int32, error)
	// experts returns one matrix for each expert.
	experts(name string, layer, experts, rows, cols int) ([]*matrix, error)
	// latent fills in the matrices that restore keys and values.
	latent(a *mla, layer int) error
	// delta fills in the projections of linear attention.
	delta(d *delta, layer int, b *builder) error
	// normOffset is what a stored norm weight lacks.
	normOffset() float32
	// latentEps is the epsilon of the norms within latent attention.
	latentEps() float64
}

// anyRows stands for a number of rows that only the tensor tells. No product
// of hyperparameters, however wrong, comes out at it.
const anyRows = -1

// builder assembles a model and keeps the first error.
type builder struct {
	loader
	h     arch.Hyper
	ropes map[bool]*rope // of layers with compressed positions, and of the others
	err   error
}

func build(s source) (*Model, error) {
	b := &builder{loader: s, h: s.hyper(), ropes: map[bool]*rope{}}
	m := &Model{hyper: b.h, source: s}
	m.SetWorkers(0)
	rows := anyRows
	if b.h.Vocab > 0 {
		rows = b.h.Vocab
	}
	m.embed = b.must(b.matrix("token_embd.weight", 0, rows, b.h.Embed))("token_embd.weight")
	if b.err != nil {
		return nil, b.err
	}
	m.vocab = m.embed.rows
	m.hyper.Vocab = m.vocab
	m.head = b.connection("output_hc", 0, true)
	m.norm = b.norm("output_norm.weight", 0, b.h.Embed)
	m.output = b.optional("output.weight", 0, m.vocab, b.h.Embed)
	if m.output.w == nil {
		m.output.w = m.embed
	}
	if classes := b.optional("cls.output.weight", 0, anyRows, b.h.Embed); classes.w != nil {
		m.output, m.vocab = classes, classes.w.rows
	}
	rope, err := s.rope(b.h)
	b.keep(err)
	for l := range b.h.Layers {
		m.layers = append(m.layers, layer{
			mixNorm:  b.norm("blk.{i}.attn_norm.weight", l, b.h.Embed),
			mix:      b.mixer(l, rope),
			feedNorm: b.feedNorm(l),
			feed:     b.mlp(l),

			mixStreams:  b.connection("blk.{i}.hc_attn", l, false),
			feedStreams: b.connection("blk.{i}.hc_ffn", l, false),
		})
		if b.err != nil {
			return nil, b.err
		}
	}
	return m, b.err
}

func (b *builder) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

// must takes what a loader returned and insists that the tensor is there.
func (b *builder) must(m *matrix, err error) func(name string) *matrix {
	return func(name string) *matrix {
		b.keep(err)
		if m == nil {
			b.keep(fault.Corrupt("forward: tensor %q is missing", name))
			return nil
		}
		return m
	}
}

// linear loads a matrix that must be there, and its bias where there is one.
func (b *builder) linear(name string, layer, rows, cols int) linear {
	l := b.optional(name+".weight", layer, rows, cols)
	if l.w == nil {
		b.keep(fault.Corrupt("forward: tensor %q is missing", arch.Fill(name+".weight", layer, 0)))
		return l
	}
	bias, err := b.vector(name+".bias", layer, rows)
	b.keep(err)
	l.bias = bias
	return l
}

// optional loads a matrix that may be absent.
func (b *builder) optional(name string, layer, rows, cols int) linear {
	w, err := b.matrix(name, layer, rows, cols)
	b.keep(err)
	return linear{w: w}
}

// norm loads the weights of a norm that must be there.
func (b *builder) norm(name string, layer, n int) norm {
	v := b.optionalNorm(name, layer, n)
	if v == nil {
		b.keep(fault.Corrupt("forward: tensor %q is missing", arch.Fill(name, layer, 0)))
		return norm{}
	}
	return *v
}

// optionalNorm loads the weights of a norm that may be absent.
func (b *builder) optionalNorm(name string, layer, n int) *norm {
	w, err := b.vector(name, layer, n)
	b.keep(err)
	if w == nil {
		return nil
	}
	if offset := b.normOffset(); offset != 0 {
		for i := range w {
			w[i] += offset
		}
	}
	return &norm{w, b.h.Eps}
}

// feedNorm loads the norm before the feed-forward part, which some files name
// after what comes before it.
func (b *builder) feedNorm(l int) norm {
	if n := b.optionalNorm("blk.{i}.post_attention_norm.weight", l, b.h.Embed); n != nil {
		return *n
	}
	return b.norm("blk.{i}.ffn_norm.weight", l, b.h.Embed)
}
