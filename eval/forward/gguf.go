package forward

import (
	"context"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// mapLimit is the size of files that are mapped into memory. Larger ones are
// read piece by piece, so that they never fill it. Mapped pages count as the
// process's own, so they may take half of what it is allowed.
func mapLimit() int64 { return min(2<<30, debug.SetMemoryLimit(-1)/2) }

// ggufSource loads a GGUF file by the conventions of that format.
type ggufSource struct {
	ctx  context.Context // of opening: what is read while a model is built
	file *gguf.File
	name string
	h    arch.Hyper
	a    arch.Arch

	behind bool // the page cache is released behind the reader
}

func openGGUF(ctx context.Context, path string) (source, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	if f.Size() <= mapLimit() {
		// Where it cannot be mapped, reading does as well.
		_ = f.Map()
	}
	s, err := newGGUF(ctx, f)
	if err != nil {
		f.Close()
	}
	return s, err
}

func newGGUF(ctx context.Context, f *gguf.File) (source, error) {
	g := &ggufSource{ctx: ctx, file: f, name: filepath.Base(f.Name())}
	var err error
	if g.h, err = arch.FromGGUF(f.KVs()); err != nil {
		return nil, err
	}
	g.a, _ = arch.ByName(g.h.Arch)
	return g, nil
}

func (g *ggufSource) Close() error              { return g.file.Close() }
func (g *ggufSource) releaseBehind()            { g.behind = true }
func (g *ggufSource) hyper() arch.Hyper         { return g.h }
func (g *ggufSource) arch() arch.Arch           { return g.a }
func (g *ggufSource) normOffset() float32       { return 0 }
func (g *ggufSource) ropeStyle() arch.RopeStyle { return g.a.Graph.GGUFRope }

// find looks a tensor up and checks its shape, outermost dimension first; anyRows
// takes any number. The tensor is absent where ok is false.
func (g *ggufSource) find(name string, layer int, shape ...int) (t gguf.TensorInfo, typ quantize.Type, ok bool, err error) {
	name = arch.Fill(name, layer, 0)
	t, ok = g.file.Lookup(name)
	if !ok {
		return t, typ, false, nil
	}
	got := slices.Clone(gguf.TrimShape(t.Shape))
	slices.Reverse(got)
	want := shape
	for len(want) > 1 && want[0] == 1 {
		want = want[1:]
	}
	fits := len(got) == len(want)
	for i := range got {
		fits = fits && (want[i] == anyRows && got[i] > 0 || got[i] == int64(want[i]))
	}
	if !fits {
		return t, typ, false, fault.Corrupt("forward: %s: tensor %q: shape %v should be %v (outermost dimension first)", g.name, name, got, shape)
	}
	typ, known := quantize.ByID(t.Type)
	if !known || t.Size() < 0 {
		return t, typ, false, fault.Unsupported("forward: %s: tensor %q: type %s cannot be decoded", g.name, name, t.Type)
	}
	return t, typ, true, nil
}

func (g *ggufSource) vector(name string, layer, n int) ([]float32, error) {
	t, typ, ok, err := g.find(name, layer, n)
	if !ok {
		return nil, err
	}
	return g.values(t, typ)
}

func (g *ggufSource) numbers(name string, layer, n int) ([]float32, error) {
	t, ok := g.file.Lookup(arch.Fill(name, layer, 0))
	if !ok {
		return nil, nil
	}
	typ, known := quantize.ByID(t.Type)
	if !known || t.Elements() != int64(n) || t.Size() < 0 {
		return nil, fault.Corrupt("forward: %s: tensor %q: shape %v and type %s should be %d numbers", g.name, t.Name, t.Shape, t.Type, n)
	}
	return g.values(t, typ)
}

// values reads a whole tensor.
func (g *ggufSource) values(t gguf.TensorInfo, typ quantize.Type) ([]float32, error) {
	raw := make([]byte, t.Size())
	if _, err := g.file.ReadTensorAt(g.ctx, t, raw, 0); err != nil {
		return nil, err
	}
	v := make([]float32, t.Elements())
	typ.Dequantize(v, raw)
	return v, nil
}

func (g *ggufSource) matrix(name string, layer, rows, cols int) (*matrix, error) {
	t, typ, ok, err := g.find(name, layer, rows, cols)
	if !ok {
		return nil, err
	}
	return g.stored(t, typ, 0, int(t.Rows()), cols), nil
}

func (g *ggufSource) experts(name string, layer, experts, rows, cols int) ([]*matrix, error) {
	t, typ, ok, err := g.find(name, layer, experts, rows, cols)
	if !ok {
		return nil, err
	}
	list := make([]*matrix, experts)
	for e := range list {
		list[e] = g.stored(t, typ, e, rows, cols)
		list[e].Expert, list[e].Experts = e, experts
	}
	return list, nil
}

// stored describes the n-th matrix of a tensor.
func (g *ggufSource) stored(t gguf.TensorInfo, typ quantize.Type, n, rows, cols int) *matrix {
	m := &matrix{Weight: Weight{Name: t.Name}, rows: rows, cols: cols, line: cols, block: typ.Block, bytes: typ.Bytes,
		decode: kernel.Decoder(t.Type.String(), typ.Dequantize), rounding: roundings[typ.Activation]}
	size := int64(m.lineBytes())
	if all, ok := g.file.Bytes(t); ok {
		m.raw = func(_ context.Context, _ []byte, first, lines int) ([]byte, error) {
			at := (int64(n)*int64(rows) + int64(first)) * size
			return all[at : at+int64(lines)*size], nil
		}
		return m
	}
	m.raw = func(ctx context.Context, buf []byte, first, lines int) ([]byte, error) {
		buf = buf[:int64(lines)*size]
		at := (int64(n)*int64(rows) + int64(first)) * size
		_, err := g.file.ReadTensorAt(ctx, t, buf, at)
		if g.behind {
			g.file.Release(t, at, int64(len(buf)))
		}
		return buf, err
	}
	return m
}
