package file

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/eval/forward/compute"
	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// Loader gives the tensors of a GGUF file.
type Loader struct {
	file   *gguf.File
	name   string
	arch   arch.Arch
	behind bool // the page cache is released behind the reader
}

// New returns the loader of an open file of an architecture. It asks the system
// to forget weights once they were read where releaseBehind is set.
func New(f *gguf.File, a arch.Arch, releaseBehind bool) *Loader {
	return &Loader{file: f, name: filepath.Base(f.Name()), arch: a, behind: releaseBehind}
}

// at is the place of an error about a tensor.
func (g *Loader) at(name string) fault.Place { return fault.Op("forward").File(g.name).Tensor(name) }

// turned are the matrices that files store with a column in each line.
var turned = map[string]bool{"blk.{i}.attn_k_b.weight": true}

// find looks a tensor up and checks its shape, outermost dimension first;
// [compute.AnyRows] takes any number. The tensor is absent where ok is false.
func (g *Loader) find(name string, layer int, shape ...int) (t gguf.TensorInfo, typ quantize.Type, ok bool, err error) {
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
	if len(want) == len(got)+1 && want[0] == compute.AnyRows {
		got = slices.Insert(got, 0, 1) // one row, of which the file leaves the 1 out
	}
	fits := len(got) == len(want)
	for i := range got {
		fits = fits && (want[i] == compute.AnyRows && got[i] > 0 || got[i] == int64(want[i]))
	}
	if !fits {
		return t, typ, false, g.at(name).Corrupt("shape %v should be %v (outermost dimension first)", got, shape)
	}
	typ, err = g.typeOf(t)
	return t, typ, err == nil, err
}

// typeOf returns the type of a tensor that can be decoded.
func (g *Loader) typeOf(t gguf.TensorInfo) (quantize.Type, error) {
	typ, known := quantize.ByID(t.Type)
	if !known || t.Size() < 0 {
		return typ, g.at(t.Name).Unsupported("type %s cannot be decoded", t.Type)
	}
	return typ, nil
}

// Vector implements the graph's Weights.
func (g *Loader) Vector(ctx context.Context, name string, layer int, shape ...int) ([]float32, error) {
	t, ok := g.file.Lookup(arch.Fill(name, layer, 0))
	if !ok {
		return g.fromKey(name, layer, shape), nil
	}
	var got, want []int64 // without lengths of 1
	for _, n := range slices.Backward(t.Shape) {
		if n != 1 {
			got = append(got, n)
		}
	}
	for _, n := range shape {
		if n != 1 {
			want = append(want, int64(n))
		}
	}
	if !slices.Equal(got, want) {
		return nil, g.at(t.Name).Corrupt("shape %v should be %v (outermost dimension first)", got, shape)
	}
	typ, err := g.typeOf(t)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, t.Size())
	if _, err := g.file.ReadTensorAt(ctx, t, raw, 0); err != nil {
		return nil, err
	}
	v := make([]float32, t.Elements())
	typ.Dequantize(v, raw)
	return v, nil
}

// fromKey returns the one number that a layer has in a list of the key-values,
// as files keep parameters of activations; nil where there is none.
func (g *Loader) fromKey(name string, layer int, shape []int) []float32 {
	key, ok := strings.CutPrefix(name, "blk.{i}.")
	if !ok || len(shape) != 1 || shape[0] != 1 {
		return nil
	}
	if all, ok := g.file.KVs().Floats(key); ok && layer < len(all) {
		return []float32{float32(all[layer])}
	}
	return nil
}

// Integers implements the graph's Weights.
func (g *Loader) Integers(ctx context.Context, name string, layer, n int) ([]int32, error) {
	t, ok := g.file.Lookup(arch.Fill(name, layer, 0))
	if !ok {
		return nil, nil
	}
	if t.Type != gguf.TypeI32 || t.Size() != 4*int64(n) {
		return nil, g.at(t.Name).Corrupt("shape %v and type %s should be %d integers of 32 bits", t.Shape, t.Type, n)
	}
	raw := make([]byte, t.Size())
	if _, err := g.file.ReadTensorAt(ctx, t, raw, 0); err != nil {
		return nil, err
	}
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return v, nil
}

// Matrix implements the graph's Weights.
func (g *Loader) Matrix(ctx context.Context, name string, layer, rows, cols int) (*compute.Matrix, error) {
	t, typ, ok, err := g.find(name, layer, rows, cols)
	if !ok {
		return nil, err
	}
	m := g.stored(t, typ, 0, int(t.Rows()), cols)
	return m, g.scale(ctx, t.Name, m)
}

// Experts implements the graph's Weights.
func (g *Loader) Experts(ctx context.Context, name string, layer, experts, rows, cols int) ([]*compute.Matrix, error) {
	lines, line := rows, cols
	if turned[name] {
		lines, line = cols, rows
	}
	t, typ, ok, err := g.find(name, layer, experts, lines, line)
	if !ok {
		return nil, err
	}
	list := make([]*compute.Matrix, experts)
	for e := range list {
		m := g.stored(t, typ, e, lines, line)
		m.Rows, m.Cols, m.Turned = rows, cols, turned[name]
		m.Expert, m.Experts = e, experts
		list[e] = m
	}
	return list, g.scale(ctx, t.Name, list...)
}

// scale attaches the factors that a file has beside a matrix, or beside the
// matrices of experts.
func (g *Loader) scale(ctx context.Context, matrix string, list ...*compute.Matrix) error {
	name, ok := g.arch.ScaleOf(matrix)
	if !ok {
		return nil
	}
	factors, err := g.Vector(ctx, name, 0, len(list))
	if factors == nil {
		return err
	}
	for i, m := range list {
		m.Scale = func(dst []float32, _, _ int) {
			for j := range dst {
				dst[j] *= factors[i]
			}
		}
	}
	return nil
}

// stored describes the n-th matrix of a tensor.
func (g *Loader) stored(t gguf.TensorInfo, typ quantize.Type, n, rows, cols int) *compute.Matrix {
	m := &compute.Matrix{Weight: compute.Weight{Name: t.Name}, Rows: rows, Cols: cols, Line: cols, Encoding: compute.Encoding{
		Block: typ.Block, Bytes: typ.Bytes, Decode: kernel.Decoder(t.Type.String(), typ.Dequantize), Rounding: compute.RoundingTo(typ.Activation)}}
	size := int64(m.LineBytes())
	if all, ok := g.file.Bytes(t); ok {
		m.Fetch = func(_ context.Context, _ []byte, first, lines int) ([]byte, error) {
			at := (int64(n)*int64(rows) + int64(first)) * size
			return all[at : at+int64(lines)*size], nil
		}
		return m
	}
	m.Fetch = func(ctx context.Context, buf []byte, first, lines int) ([]byte, error) {
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
