package convert

import (
	"context"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/gguf"
)

// rowOps are the transforms that move whole rows of a matrix, encoded ones as
// well as others.
var rowOps = []arch.OpKind{arch.RopePermute, arch.LatentValue, arch.Part, arch.Alternate, arch.Slice, arch.DeltaQKV, arch.DeltaGate, arch.TileRows}

// exactly returns what finds the block type of a target, if its sources are
// all quantized and its transforms leave their rows whole.
func exactly(t arch.Tensor, h arch.Hyper, at arch.Place, from []source) func(context.Context) (unpack.Packed, bool, error) {
	unknown := func(s source) bool { return s.exact == nil || len(s.shape) < 2 }
	computes := func(op arch.Op) bool { return !slices.Contains(rowOps, op.Kind) }
	if slices.ContainsFunc(from, unknown) || slices.ContainsFunc(t.Ops, computes) {
		return nil
	}
	return func(ctx context.Context) (unpack.Packed, bool, error) {
		packed := make(map[string]unpack.Packed, len(from))
		out := unpack.Packed{}
		for i, s := range from {
			p, ok, err := s.exact(ctx)
			if err != nil || !ok || i > 0 && (p.Type != out.Type || (p.Factors == nil) != (out.Factors == nil)) {
				return unpack.Packed{}, false, err
			}
			packed[s.name], out.Type, out.Rounded = p, p.Type, out.Rounded || p.Rounded
			if i%(len(t.More)+1) == 0 {
				out.Factors = append(out.Factors, p.Factors...)
			} else if n := len(out.Factors) - len(p.Factors); n < 0 || !slices.Equal(out.Factors[n:], p.Factors) {
				return unpack.Packed{}, false, nil // rows of one matrix share its factor
			}
		}
		out.Rows, _ = assemble(t, h, at, from, func(s source) transform.Rows { return packed[s.name].Rows })
		return out, true, nil
	}
}

// keepsCodes reports whether quantized matrices come in the block type that
// keeps every weight: in a file of the checkpoint's own precision, where that
// is the type asked for, and on the way to a quantizer, which copies what has
// its type already.
func (o Options) keepsCodes() bool {
	return !o.Decode && (o.Type == Auto || o.Type == Source || o.Type == Q8_0 || o.ForQuantizer)
}

// keepCodes gives quantized targets the block type that keeps every weight,
// where there is one, and adds the tensors of factors that these have. It reads
// their scales, and counts the matrices whose factors have no place in a file.
func keepCodes(ctx context.Context, targets []target, a arch.Arch, o Options) (all []target, unplaced int, err error) {
	for _, t := range targets {
		var factors *target
		if t.exact != nil && !t.f32 {
			packed, ok, err := t.exact(ctx)
			if err != nil {
				return nil, 0, err
			}
			if ok && packed.Factors != nil {
				if factors, ok = factorsOf(t, packed.Factors, a, targets); !ok {
					unplaced++
				}
			}
			if ok = ok && (o.Type != Q8_0 || packed.Type == gguf.TypeQ8_0); ok && !packed.Rounded {
				t.held = &packed
			}
			// A quantizer reads weights as they are.
			if ok && (packed.Factors == nil || !o.ForQuantizer) && !(packed.Rounded && o.Lossless) {
				t.encoded = &packed
			}
		}
		if all = append(all, t); factors != nil && t.encoded != nil {
			all = append(all, *factors)
		}
	}
	return all, unplaced, nil
}

// factorsOf is the tensor of the factors of a matrix, or of those of experts;
// ok is false where runtimes apply none. With a bias they cannot.
func factorsOf(t target, factors []float32, a arch.Arch, beside []target) (tensor *target, ok bool) {
	name, ok := a.ScaleOf(t.name)
	bias := strings.TrimSuffix(t.name, ".weight") + ".bias"
	if !ok || strings.Contains(name, ".ffn_") && slices.ContainsFunc(beside, func(b target) bool { return b.name == bias }) {
		return nil, false
	}
	matrices := 1
	if len(t.shape) == 3 {
		matrices = int(t.shape[2])
	}
	if len(factors) == 1 {
		factors = slices.Repeat(factors, matrices)
	}
	if len(factors) != matrices {
		return nil, false
	}
	tensor = new(vector(name, factors))
	return tensor, true
}

// Quantized says what of a checkpoint was quantized already.
type Quantized struct {
	Method   string            // "GPTQ", "MLX", …; empty for a checkpoint of plain floats
	Matrices int               // of the file that are made of quantized ones
	Exact    map[gguf.Type]int // of those, how many keep every weight, by type
	Rounded  int               // and how many their codes, but weights only as far as a float32 goes
}

func quantized(from *unpack.Checkpoint, targets []target) Quantized {
	q := Quantized{Exact: map[gguf.Type]int{}}
	if from.Quantized > 0 {
		q.Method = from.Method.Name()
	}
	for _, t := range targets {
		if t.decoded {
			q.Matrices++
		}
		if t.encoded != nil && t.encoded.Rounded {
			q.Rounded++
		}
		if t.held != nil {
			q.Exact[t.held.Type]++
		}
	}
	return q
}

// mostly is the type that more than half of the weights have which come
// encoded from the checkpoint; ok is false where most come otherwise.
func mostly(targets []target) (FileType, bool) {
	weights, all := map[gguf.Type]int64{}, int64(0)
	for _, t := range targets {
		n := int64(1)
		for _, length := range t.shape {
			n *= length
		}
		all += n
		if t.encoded != nil {
			weights[t.encoded.Type] += n
		}
	}
	for _, f := range encodedTypes {
		if 2*weights[f.tensors] > all {
			return f.id, true
		}
	}
	return 0, false
}
