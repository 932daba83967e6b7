package validate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/quantize"
)

const (
	// chunkBytes is how much of a tensor, as float32, is looked at in one go.
	// Sums are merged chunk by chunk, so it decides the last digits.
	chunkBytes = 1 << 20

	// The rows of types that are slow to quantize are sampled: so many rows of
	// a tensor at least, and more of them while they have so few values.
	sampleRows   = 64
	sampleValues = 4 << 20
)

// numbers looks at every value of the file, and compares it with the source
// where there is one.
func (v *validation) numbers(ctx context.Context) error {
	if v.SkipNumbers {
		v.skip(Numbers, "left out as asked")
		return nil
	}
	jobs, err := v.jobs(ctx)
	if err != nil {
		return err
	}
	if err := v.scanAll(ctx, jobs); err != nil {
		return err
	}
	v.judgeAll(jobs)
	var equal, tried int64
	for _, j := range jobs {
		equal += j.tally.equal
		tried += j.tally.tried
	}
	switch {
	case v.source == nil:
		v.done(Numbers, "%d values looked at; without a source there is nothing to compare them with", v.Elements)
	case !v.compares():
		v.done(Numbers, "%d values looked at", v.Elements)
	case tried == 0:
		v.done(Numbers, "nothing to compare")
	default:
		v.done(Numbers, "%d rows of the source quantized again, %.4g %% give the bytes of the file", tried, 100*float64(equal)/float64(tried))
	}
	return nil
}

// compares reports whether values are compared with those of a source.
func (v *validation) compares() bool {
	return v.source != nil && !v.SkipErrors && v.source.tensors != nil
}

// jobs pairs the tensors of the file with those of the source.
func (v *validation) jobs(ctx context.Context) ([]*job, error) {
	fail := func(name, format string, args ...any) {
		v.add(Finding{Check: Numbers, Severity: Fail, Tensor: name, Message: fmt.Sprintf(format, args...)})
	}
	factors, err := v.factors(ctx)
	if err != nil {
		return nil, err
	}
	var jobs []*job
	for _, t := range v.infos {
		typ, ok := quantize.ByID(t.Type)
		if !ok {
			v.add(Finding{Check: Numbers, Severity: Warning, Tensor: t.Name, Message: fmt.Sprintf("type %s cannot be decoded", t.Type)})
		}
		j := &job{file: v.file.Stream(t), typ: typ, scales: typ.Scales(), glance: v.SkipErrors, step: max(1, chunkBytes/max(1, 4*t.Columns()))}
		jobs = append(jobs, j)
		if !v.compares() || !ok {
			continue
		}
		o, found := v.source.tensors[t.Name]
		switch {
		case !found && factors[t.Name] != nil: // it has been multiplied with its matrix
		case !found:
			fail(t.Name, "the source has no such tensor")
		case !slices.Equal(gguf.TrimShape(o.Shape), gguf.TrimShape(t.Shape)):
			fail(t.Name, "shape %v differs from the source's %v", t.Shape, o.Shape)
		default:
			j.source, j.factors = &o, factors[t.Name]
			j.stride = stride(t, typ, o)
		}
	}
	if v.compares() {
		for _, name := range v.source.order {
			if _, ok := v.tensors[name]; !ok {
				fail(name, "it is missing; the source has it")
			}
		}
	}
	return jobs, nil
}

// factors reads the factors of matrices that the source has multiplied
// already, by the names of both.
func (v *validation) factors(ctx context.Context) (map[string][]float32, error) {
	all := map[string][]float32{}
	if v.arch == nil || !v.compares() {
		return all, nil
	}
	for _, t := range v.infos {
		name, ok := v.arch.ScaleOf(t.Name)
		scale, there := v.tensors[name]
		if _, plain := v.source.tensors[name]; !ok || !there || plain {
			continue
		}
		n := scale.Elements()
		if scale.Type != gguf.TypeF32 || n == 0 || n > t.Rows() || t.Rows()%n != 0 {
			continue // its shape has been found wrong
		}
		raw, values := make([]byte, scale.Size()), make([]float32, n)
		if _, err := v.file.ReadTensorAt(ctx, scale, raw, 0); err != nil {
			return nil, err
		}
		if err := dtype.ToFloat32(values, raw, dtype.F32); err != nil {
			return nil, err
		}
		all[t.Name], all[name] = values, values
	}
	return all, nil
}

// stride says which rows are quantized again: all, but of slow types a sample.
// What was computed from hyperparameters may differ in the last digit.
func stride(t gguf.TensorInfo, typ quantize.Type, o origin) int64 {
	if o.computed {
		return 0
	}
	if !typ.Slow {
		return 1
	}
	sample := max(sampleRows, sampleValues/max(1, t.Columns()))
	return (t.Rows() + sample - 1) / sample
}

// scanAll scans all tensors. The chunks are dealt out to the workers and their
// tallies merged in order, so that the result does not depend on them.
func (v *validation) scanAll(ctx context.Context, jobs []*job) error {
	type piece struct {
		job         *job
		first, rows int64
		out         **tally
	}
	var pieces []piece
	tallies := make([][]*tally, len(jobs))
	var total int64
	for i, j := range jobs {
		if j.typ.Dequantize == nil {
			continue
		}
		rows := j.file.Rows()
		tallies[i] = make([]*tally, (rows+j.step-1)/j.step)
		for n := range tallies[i] {
			first := int64(n) * j.step
			pieces = append(pieces, piece{j, first, min(j.step, rows-first), &tallies[i][n]})
		}
		total += j.file.Size()
	}
	var next atomic.Int64
	var reporting sync.Mutex
	at := progress.Report{Step: StepTensors, Total: total, Bytes: true}
	group, scanning := errgroup.WithContext(ctx)
	for range v.Workers {
		group.Go(func() (err error) {
			defer fault.Rescue(&err)
			var s scanner
			for n := next.Add(1) - 1; n < int64(len(pieces)); n = next.Add(1) - 1 {
				if scanning.Err() != nil {
					return context.Cause(scanning)
				}
				p := pieces[n]
				t, err := s.scan(scanning, p.job, p.first, p.rows)
				if err != nil {
					return err
				}
				*p.out = t
				reporting.Lock()
				at.Note = p.job.file.Name
				at.Done += p.rows * p.job.file.RowBytes()
				v.Progress.Report(at)
				reporting.Unlock()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var s scanner
	for i, j := range jobs {
		for _, t := range tallies[i] {
			j.tally.merge(t)
		}
		var more tally
		if err := s.recheck(ctx, j, j.tally.far, &more); err != nil {
			return err
		}
		for _, r := range more.odd {
			keep(&j.tally.odd, r)
		}
		j.tally.report(&v.Tensors[i], j.source != nil)
	}
	return nil
}
