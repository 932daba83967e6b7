package forward

import (
	"context"
	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// tensor is a tensor of a checkpoint.
type tensor = hf.Tensor

// checkpoint loads a folder by the conventions of its publisher.
type checkpoint struct {
	ctx     context.Context // of opening: what is read while a model is built
	files   *hf.Checkpoint
	h       arch.Hyper
	a       arch.Arch
	config  hf.Config           // of the text model
	tensors map[string]tensor   // by canonical name
	sources map[string][]string // templates of the source by template of the GGUF name

	lost map[arch.LossKind]bool // what is computed as from a file
}

// openCheckpoint opens a folder, to compute what the model does or, where a
// file cannot express that, what the file does.
func openCheckpoint(ctx context.Context, path string, expressible bool) (source, error) {
	files, err := hf.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	c := &checkpoint{ctx: ctx, files: files, tensors: map[string]tensor{}, sources: map[string][]string{}, lost: map[arch.LossKind]bool{}}
	if c.h, err = arch.FromConfig(files.Config()); err != nil {
		files.Close()
		return nil, err
	}
	c.a, _ = arch.ByClass(c.h.Class)
	if expressible {
		for _, loss := range arch.Losses(files.Config(), c.h) {
			c.lost[loss.Kind] = true
		}
	}
	c.config = files.Config()
	if text, ok := c.config.Sub("text_config"); ok {
		c.config = text
	}
	for _, t := range files.Tensors() {
		c.tensors[c.a.Canonical(t.Name, c.h)] = t
	}
	for _, t := range c.a.Tensors {
		c.sources[t.Target] = append(c.sources[t.Target], t.Source)
	}
	return c, nil
}

func (c *checkpoint) releaseBehind()            { c.files.ReleaseBehind() }
func (c *checkpoint) Close() error              { return c.files.Close() }
func (c *checkpoint) hyper() arch.Hyper         { return c.h }
func (c *checkpoint) arch() arch.Arch           { return c.a }
func (c *checkpoint) normOffset() float32       { return c.a.Graph.NormOffset }
func (c *checkpoint) ropeStyle() arch.RopeStyle { return c.a.Graph.SourceRope }

// find looks up the tensor that becomes a tensor of the file.
func (c *checkpoint) find(name string, layer, expert int) (tensor, bool) {
	for _, source := range c.sources[name] {
		if t, ok := c.tensors[arch.Fill(source, layer, expert)]; ok {
			return t, true
		}
	}
	return tensor{}, false
}

// check compares a tensor's shape, where anyRows takes any number.
func (c *checkpoint) check(t tensor, shape ...int) error {
	fits := len(t.Shape) == len(shape)
	for i := range min(len(t.Shape), len(shape)) {
		fits = fits && (shape[i] == anyRows && t.Shape[i] > 0 || t.Shape[i] == int64(shape[i]))
	}
	if !fits {
		return fault.Corrupt("forward: %s: tensor %q: shape %v should be %v", c.files.Name(), t.Name, t.Shape, shape)
	}
	if !t.DType.Float() {
		return fault.Unsupported("forward: %s: tensor %q: weights of type %s", c.files.Name(), t.Name, t.DType)
	}
	return nil
}

func (c *checkpoint) vector(name string, layer, n int) ([]float32, error) {
	t, ok := c.find(name, layer, 0)
	if !ok {
		return nil, nil
	}
	if err := c.check(t, n); err != nil {
		return nil, err
	}
	return c.values(t)
}

func (c *checkpoint) numbers(name string, layer, n int) ([]float32, error) {
	t, ok := c.find(name, layer, 0)
	if !ok {
		return nil, nil
	}
	elements := int64(1)
	for _, length := range t.Shape {
		elements *= length
	}
	if elements != int64(n) || !t.DType.Float() {
		return nil, fault.Corrupt("forward: %s: tensor %q: shape %v and type %s should be %d numbers", c.files.Name(), t.Name, t.Shape, t.DType, n)
	}
	return c.values(t)
}

// values reads a whole tensor.
func (c *checkpoint) values(t tensor) ([]float32, error) {
	raw := make([]byte, t.Size)
	if _, err := t.ReadAt(c.ctx, raw, 0); err != nil {
		return nil, err
	}
	n := int64(1)
	for _, length := range t.Shape {
		n *= length
	}
	v := make([]float32, n)
	return v, dtype.ToFloat32(v, raw, t.DType)
}

func (c *checkpoint) matrix(name string, layer, rows, cols int) (*matrix, error) {
	t, ok := c.find(name, layer, 0)
	if !ok {
		return nil, nil
	}
	if c.h.Pictures != nil && len(t.Shape) == 2 && name == "token_embd.weight" {
		t.Shape = []int64{min(t.Shape[0], int64(rows)), t.Shape[1]} // pictures follow the vocabulary
	}
	if err := c.check(t, rows, cols); err != nil {
		return nil, err
	}
	m := c.stored(t, 0, int(t.Shape[0]), cols)
	m.Name = arch.Fill(name, layer, 0)
	return m, c.scaled(m, t)
}

// stored describes a matrix whose lines start skip lines into a tensor.
func (c *checkpoint) stored(t tensor, skip, rows, cols int) *matrix {
	bits := t.DType.Bits()
	m := &matrix{rows: rows, cols: cols, line: cols, block: 1, bytes: bits / 8, decode: kernel.Decoder(t.DType.String(), func(dst []float32, src []byte) {
		// The length fits by construction and the type was checked.
		_ = dtype.ToFloat32(dst, src, t.DType)
	})}
	m.raw = func(ctx context.Context, buf []byte, first, lines int) ([]byte, error) {
		size := int64(m.lineBytes())
		buf = buf[:int64(lines)*size]
		_, err := t.ReadAt(ctx, buf, int64(skip+first)*size)
		return buf, err
	}
	return m
}
