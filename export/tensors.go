package export

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// Tensor is a tensor of the checkpoint and how its values are read from the
// file.
type Tensor struct {
	Name  string
	Shape []int64 // slowest dimension first
	Rows  transform.Rows
}

// exporter walks the templates of an architecture backwards.
type exporter struct {
	file    *gguf.File
	arch    arch.Arch
	hyper   arch.Hyper
	written map[string]string // by tensor of the file: the template that holds it
	tensors []Tensor
}

// all lists the tensors of the checkpoint, in the order of the templates.
func (e *exporter) all(ctx context.Context) error {
	templates := slices.DeleteFunc(slices.Clone(e.arch.Tensors), func(t arch.Tensor) bool { return len(t.Places(e.hyper)) == 0 })
	for i, t := range templates {
		if t.Target == "" || slices.ContainsFunc(templates[:i], func(u arch.Tensor) bool { return u.Source == t.Source && u.Target != "" }) {
			continue
		}
		var siblings []arch.Tensor // several targets may share a source
		for _, u := range templates[i:] {
			if u.Source == t.Source && u.Target != "" {
				siblings = append(siblings, u)
			}
		}
		for _, at := range t.Places(e.hyper) {
			if err := e.source(ctx, siblings, at); err != nil {
				return err
			}
		}
	}
	for _, t := range e.file.Tensors() {
		computed := slices.ContainsFunc(e.arch.Extra, func(x arch.Extra) bool { return x.Target == t.Name }) || strings.HasPrefix(t.Name, "rope_factors_")
		if e.written[t.Name] == "" && !computed {
			return e.refuse(t.Name, "no tensor of the checkpoint holds it")
		}
	}
	return nil
}

func (e *exporter) refuse(tensor, rule string) error {
	return fault.Op("export").File(e.file.Name()).Tensor(tensor).Unsupported("%s", rule)
}

// source adds the source tensors of one place.
func (e *exporter) source(ctx context.Context, siblings []arch.Tensor, at arch.Place) error {
	var targets []transform.Rows
	for _, t := range siblings {
		name := at.Fill(t.Target)
		info, ok := e.file.Lookup(name)
		if by := e.written[name]; by != "" && by != t.Source { // another layout of the checkpoint has it
			return nil
		}
		if !ok {
			if t.Optional {
				return nil
			}
			return e.refuse(name, "it is missing")
		}
		factors, err := e.factors(ctx, info)
		if err != nil {
			return err
		}
		rows, err := decoded(e.file, info, factors)
		if err != nil {
			return err
		}
		if t.PerExpert() {
			each := rows.Count / int64(max(e.hyper.MoE.Experts, 1))
			rows = transform.Part(rows, rows.Count, int64(at.Expert)*each, each)
		}
		targets = append(targets, rows)
	}
	t := siblings[0]
	joined, err := e.inverse(ctx, siblings, at.Layer, targets)
	if err != nil {
		return err
	}
	first := int64(0)
	for _, piece := range t.Pieces() {
		shape := shapeOf(piece, e.hyper, at.Layer)
		count := elements(shape) / joined.Columns
		part := transform.Part(joined, joined.Count, first, count)
		first += count
		e.tensors = append(e.tensors, Tensor{at.Fill(piece.Source), shape, transform.Reshape(part, shape[len(shape)-1])})
	}
	for _, t := range siblings {
		e.written[at.Fill(t.Target)] = t.Source
	}
	return nil
}

// factors are those that a file has beside a matrix, or beside the matrices of
// experts.
func (e *exporter) factors(ctx context.Context, matrix gguf.TensorInfo) ([]float32, error) {
	name, ok := e.arch.ScaleOf(matrix.Name)
	if !ok {
		return nil, nil
	}
	all, err := vector(ctx, e.file, name)
	if n := int64(len(all)); n > 0 {
		if matrix.Rows()%n != 0 {
			return nil, e.refuse(name, "its factors are not those of the matrices of "+matrix.Name)
		}
		e.written[name] = matrix.Name
	}
	return all, err
}

// inverse undoes the transforms from one source, or several below each other,
// to its targets. What moves rows is run on their numbers to see where each
// went; matrices that are turned last are turned back first.
func (e *exporter) inverse(ctx context.Context, siblings []arch.Tensor, layer int, targets []transform.Rows) (transform.Rows, error) {
	t := siblings[0]
	shape := shapeOf(t.Pieces()[0], e.hyper, layer)
	for _, piece := range t.More {
		shape[0] += shapeOf(piece, e.hyper, layer)[0]
	}
	vector := len(shape) == 1
	columns := shape[len(shape)-1]
	count := elements(shape) / columns
	if vector {
		columns, count = 1, columns
	}
	if count > mostRows {
		return transform.Rows{}, e.refuse(t.Target, "it has too many rows")
	}
	from := slices.Repeat([]int64{-1}, int(count)) // by source row
	below := int64(0)
	for i, u := range siblings {
		moved, value := values(u.Ops)
		if value != nil {
			targets[i] = transform.Map(targets[i], value)
		}
		if turned(moved) {
			targets[i] = transform.Transpose(targets[i], columns)
		}
		targets[i] = transform.Reshape(targets[i], columns)
		numbers, err := e.numbers(ctx, moved, layer, shape)
		if err != nil || int64(len(numbers)) != targets[i].Count {
			return transform.Rows{}, e.refuse(u.Target, "its transform cannot be undone")
		}
		for row, source := range numbers {
			from[source] = below + int64(row)
		}
		below += targets[i].Count
	}
	if slices.Contains(from, -1) {
		return transform.Rows{}, e.refuse(t.Target, "the file lacks rows of "+t.Source)
	}
	joined := targets[0]
	if len(targets) > 1 {
		joined = transform.Join(targets...)
	}
	if slices.IsSorted(from) {
		return joined, nil
	}
	return transform.Gather(joined, count, func(row int64) int64 { return from[row] }), nil
}

// mostRows bounds what is held of a matrix's order; float32 counts that far.
const mostRows = 1 << 24

// values takes the maps of values out of transforms and returns their inverse;
// nil where there is none.
func values(ops []arch.Op) (moved []arch.Op, inverse func(float32) float32) {
	for _, op := range ops {
		var undo func(float32) float32
		switch op.Kind {
		case arch.AddOne:
			undo = func(x float32) float32 { return x - 1 }
		case arch.NegExp:
			undo = func(x float32) float32 { return float32(math.Log(-float64(x))) }
		default:
			moved = append(moved, op)
			continue
		}
		if after := inverse; after != nil {
			inverse = func(x float32) float32 { return after(undo(x)) }
		} else {
			inverse = undo
		}
	}
	return moved, inverse
}

// rowwise are the transforms that leave rows whole.
var rowwise = []arch.OpKind{arch.RopePermute, arch.Squeeze, arch.DeltaQKV, arch.DeltaGate, arch.TileRows, arch.TileTail, arch.Ungroup, arch.Part, arch.Alternate, arch.Slice, arch.LatentValue}

// turned reports whether transforms end with rows as columns.
func turned(ops []arch.Op) bool {
	return len(ops) > 0 && slices.Contains(turning, ops[len(ops)-1].Kind)
}

var turning = []arch.OpKind{arch.Transpose, arch.LatentKey}

// numbers runs transforms on a matrix whose rows hold their own numbers.
func (e *exporter) numbers(ctx context.Context, ops []arch.Op, layer int, shape []int64) ([]int64, error) {
	for i, op := range ops {
		if last := i == len(ops)-1; !slices.Contains(rowwise, op.Kind) && !(last && turned(ops)) {
			return nil, e.refuse("", "")
		}
	}
	columns := int64(1)
	small := slices.Clone(shape)
	if len(shape) > 1 {
		columns = 2 // lengths of 1 may be dropped
		small[len(small)-1] = columns
	}
	numbered := transform.Rows{DType: dtype.F32, Columns: columns, Count: elements(small) / columns, Read: func(_ context.Context, p []byte, off int64) error {
		for i := 0; i < len(p); i += 4 {
			row := (off + int64(i)) / 4 / columns
			binary.LittleEndian.PutUint32(p[i:], math.Float32bits(float32(row)))
		}
		return nil
	}}
	if len(shape) == 1 {
		numbered = transform.Reshape(numbered, shape[0])
	}
	moved, _ := convert.Apply(ops, e.hyper, layer, numbered, small)
	if turned(ops) {
		moved = transform.Transpose(moved, columns)
	}
	p := make([]byte, moved.Elements()*4)
	if err := moved.Read(ctx, p, 0); err != nil {
		return nil, err
	}
	all := make([]int64, 0, moved.Elements()/columns)
	for i := int64(0); i < int64(len(p)); i += 4 * columns {
		all = append(all, int64(math.Float32frombits(binary.LittleEndian.Uint32(p[i:]))))
	}
	return all, nil
}

func shapeOf(piece arch.Piece, h arch.Hyper, layer int) []int64 {
	shape := make([]int64, len(piece.Shape))
	for i, length := range piece.Shape {
		shape[i] = int64(length(h, layer))
	}
	return shape
}

func elements(shape []int64) int64 {
	n := int64(1)
	for _, length := range shape {
		n *= length
	}
	return n
}
