package gguf

import (
	"context"
	"io"
	"math"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
)

// SplitOptions say how to divide a model into the parts of a split set. A
// limit of 0 is none.
type SplitOptions struct {
	MaxSize    int64 // bytes of tensor data in a part; a larger tensor has a part of its own
	MaxTensors int   // tensors in a part
	BareFirst  bool  // the first part has the key-values and no tensor
}

// Divide groups tensors into parts, in their order. Only the first part can
// be empty.
func Divide(tensors []TensorInfo, opts SplitOptions) [][]TensorInfo {
	parts := [][]TensorInfo{nil}
	if opts.BareFirst {
		parts = append(parts, nil)
	}
	var size int64
	for _, t := range tensors {
		n := pad(t.Size(), DefaultAlignment)
		last := &parts[len(parts)-1]
		full := opts.MaxTensors > 0 && len(*last) >= opts.MaxTensors
		large := opts.MaxSize > 0 && size+n > opts.MaxSize
		if len(*last) > 0 && (full || large) {
			parts, size = append(parts, nil), 0
			last = &parts[len(parts)-1]
		}
		*last = append(*last, t)
		size += n
	}
	return parts
}

// planSplit plans the files of a split set: the first has all key-values, and
// each has the keys split.*, in the given order, since each tool of the
// reference has its own. A single group gives one plain file.
func planSplit(kvs KVs, parts [][]TensorInfo, keys ...string) ([]*Plan, error) {
	kvs = withoutSplit(kvs)
	if len(parts) > math.MaxUint16 {
		return nil, fault.Op("gguf").Invalid("%d parts are more than %d; allow larger ones", len(parts), math.MaxUint16)
	}
	total := 0
	for _, tensors := range parts {
		total += len(tensors)
	}
	plans := make([]*Plan, len(parts))
	for i, tensors := range parts {
		own := kvs
		if i > 0 {
			own = nil
			if a, ok := kvs.Get(AlignmentKey); ok {
				own.Set(AlignmentKey, a)
			}
		}
		if len(parts) > 1 {
			own = own.Clone()
			value := map[string]any{splitNoKey: uint16(i), splitCountKey: uint16(len(parts)), splitTensorsKey: int32(total)}
			for _, key := range keys {
				own.Set(key, value[key])
			}
		}
		var err error
		if plans[i], err = NewPlan(own, tensors); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// Merge plans one file with all tensors of f, which may be a split set. Write
// it with [Copy].
func Merge(f *File) (*Plan, error) { return NewPlan(f.KVs(), trimmed(f.Tensors())) }

// Split plans the parts of f as gguf-split does. Write each with [Copy].
func Split(f *File, opts SplitOptions) ([]*Plan, error) {
	return planSplit(f.KVs(), Divide(trimmed(f.Tensors()), opts), splitNoKey, splitTensorsKey, splitCountKey)
}

// trimmed gives tensors the shapes that ggml writes.
func trimmed(tensors []TensorInfo) []TensorInfo {
	list := make([]TensorInfo, len(tensors))
	for i, t := range tensors {
		t.Shape = TrimShape(t.Shape)
		list[i] = t
	}
	return list
}

// Copy writes the file that plan describes to w, with the data that f has
// under the same names. It holds a small piece of them at a time and
// reports the bytes of data.
func Copy(ctx context.Context, w io.Writer, plan *Plan, f *File, report progress.Func) error {
	out, err := NewWriter(w, plan)
	if err != nil {
		return err
	}
	var done, total int64
	for _, t := range plan.Tensors {
		total += t.Size()
	}
	buf := make([]byte, 1<<20)
	for t, ok := out.Current(); ok; t, ok = out.Current() {
		src, found := f.Lookup(t.Name)
		if !found || src.Size() != t.Size() || src.Type != t.Type {
			return fault.Op("gguf").File(f.Name()).Tensor(t.Name).Invalid("the plan's tensor is not that of the file")
		}
		for off := int64(0); off < t.Size(); {
			if err := ctx.Err(); err != nil {
				return err
			}
			b := buf[:min(int64(len(buf)), t.Size()-off)]
			if _, err := f.ReadTensorAt(ctx, src, b, off); err != nil {
				return err
			}
			if _, err := out.Write(b); err != nil {
				return err
			}
			f.Release(src, off, int64(len(b)))
			off += int64(len(b))
			done += int64(len(b))
			report.Report(progress.Report{Note: t.Name, Done: done, Total: total, Bytes: true})
		}
	}
	return out.Close()
}
