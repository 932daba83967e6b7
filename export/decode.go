package export

import (
	"context"

	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// plain are the types that a checkpoint has as well.
var plain = map[gguf.Type]dtype.DType{gguf.TypeF32: dtype.F32, gguf.TypeF16: dtype.F16, gguf.TypeBF16: dtype.BF16, gguf.TypeI32: dtype.I32}

// decoded reads a tensor of the file: as it is where its type is plain, else
// as float32, times the factors of its matrices where it has some.
func decoded(f *gguf.File, t gguf.TensorInfo, factors []float32) (transform.Rows, error) {
	r := transform.Rows{DType: plain[t.Type], Columns: t.Columns(), Count: t.Rows()}
	if r.DType != dtype.Invalid && factors == nil {
		r.Read = func(ctx context.Context, p []byte, off int64) error {
			_, err := f.ReadTensorAt(ctx, t, p, off)
			return err
		}
		return r, nil
	}
	kind, ok := quantize.ByID(t.Type)
	if !ok || kind.Dequantize == nil {
		return r, fault.Op("export").File(f.Name()).Tensor(t.Name).Unsupported("type %v cannot be decoded", t.Type)
	}
	r.DType = dtype.F32
	blocks := f.Stream(t)
	r.Read = func(ctx context.Context, p []byte, off int64) error {
		const four = 4 // bytes of a float32
		codes, row := make([]byte, t.RowBytes()), make([]float32, r.Columns)
		for at := off / four; len(p) > 0; {
			if err := blocks.ReadRows(ctx, codes, at/r.Columns); err != nil {
				return err
			}
			kind.Dequantize(row, codes)
			if factors != nil {
				factor := factors[at/r.Columns/(r.Count/int64(len(factors)))]
				for i := range row {
					row[i] *= factor
				}
			}
			part := row[at%r.Columns:]
			part = part[:min(len(part), len(p)/four)]
			if err := dtype.FromFloat32(p[:four*len(part)], part, dtype.F32); err != nil {
				return err
			}
			p, at = p[four*len(part):], at+int64(len(part))
		}
		return nil
	}
	return r, nil
}

// vector reads a small tensor; nil where the file has none of that name.
func vector(ctx context.Context, f *gguf.File, name string) ([]float32, error) {
	t, ok := f.Lookup(name)
	if !ok {
		return nil, nil
	}
	if t.Type != gguf.TypeF32 || t.Elements() > 1<<20 {
		return nil, fault.Op("export").File(f.Name()).Tensor(name).Corrupt("type %v and %d values, want a short vector of F32", t.Type, t.Elements())
	}
	p, values := make([]byte, t.Size()), make([]float32, t.Elements())
	if _, err := f.ReadTensorAt(ctx, t, p, 0); err != nil {
		return nil, err
	}
	return values, dtype.ToFloat32(values, p, dtype.F32)
}
