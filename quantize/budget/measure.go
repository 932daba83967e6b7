package budget

import (
	"context"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/quantize"
)

// Candidates returns the types that are chosen from by default, where a tensor
// takes them. A tensor may also stay as it is.
func Candidates() []gguf.Type {
	var list []gguf.Type
	for _, t := range quantize.Types() {
		if t.Candidate {
			list = append(list, t.ID)
		}
	}
	return list
}

// sampleValues is about how many values of a tensor are quantized to measure
// the error of a type, in at least sampleRows rows.
const (
	sampleValues = 1 << 17
	sampleRows   = 16
)

// MeasureOptions tune a measurement.
type MeasureOptions struct {
	Types   []gguf.Type // to choose from; nil: Candidates()
	Workers int         // 0: one on each processor

	Progress progress.Func // called after every tensor
}

// NewProfile measures the errors of all types on rows of every tensor that is
// open under o. Factors are those of a table until Calibrate sets others.
func NewProfile(ctx context.Context, sources []gguf.Stream, o quantize.Options, m MeasureOptions) (*Profile, error) {
	free, err := quantize.Free(infos(sources), o)
	if err != nil {
		return nil, err
	}
	p := &Profile{Sensitivity: "weights", Tensors: make([]Tensor, len(free))}
	if m.Types == nil {
		m.Types = Candidates()
	}
	if m.Workers == 0 {
		m.Workers = runtime.GOMAXPROCS(0)
	}
	finished := make(chan string)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		at := progress.Report{Total: int64(len(free)), Unit: "tensors"}
		for at.Note = range finished {
			at.Done++
			m.Progress.Report(at)
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(m.Workers)
	for i, c := range free {
		group.Go(func() (err error) {
			defer fault.Rescue(&err)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			t, err := measure(ctx, sources[c.Source], c, m.Types)
			p.Tensors[i] = t
			finished <- c.Info.Name
			return err
		})
	}
	err = group.Wait()
	close(finished)
	<-reported
	if err != nil {
		return nil, err
	}
	p.guess()
	return p, nil
}

// measure compares rows of one tensor with what is left of them in each type.
func measure(ctx context.Context, s gguf.Stream, c quantize.Choice, types []gguf.Type) (Tensor, error) {
	t := Tensor{Name: c.Info.Name, Errors: map[string]float64{}}
	var writers []quantize.Type
	for _, id := range types {
		if w, ok := quantize.ByID(id); ok && c.Takes(id) && id != c.From {
			writers = append(writers, w)
		}
	}
	reader, _ := quantize.ByID(c.From)
	columns := int(c.Info.Columns())
	raw := make([]byte, rowBytes(c))
	row, back := make([]float32, columns), make([]float32, columns)
	encoded := make([]byte, 4*columns)
	signal, errors := 0.0, make([]float64, len(writers))
	total := c.Info.Rows()
	n := min(total, max(sampleRows, int64(sampleValues/columns)))
	for i := range n {
		at := (2*i + 1) * total / (2 * n)
		if err := s.ReadRows(ctx, raw, at); err != nil {
			return t, err
		}
		reader.Dequantize(row, raw)
		weights := c.Weights(at)
		signal += weighted(row, nil, weights)
		copy(back, row)
		Round(back)
		t.Rounding += weighted(row, back, weights)
		for j, w := range writers {
			dst := encoded[:columns/w.Block*w.Bytes]
			w.Quantize(dst, row, weights)
			w.Dequantize(back, dst)
			errors[j] += weighted(row, back, weights)
		}
	}
	if math.IsNaN(signal) || math.IsInf(signal, 0) {
		return t, fault.Op("budget").Tensor(t.Name).Check("its values are not finite")
	}
	for j, w := range writers {
		t.Errors[w.Name] = ratio(errors[j], signal)
	}
	t.Errors[c.From.String()] = 0
	t.Rounding = ratio(t.Rounding, signal)
	return t, nil
}

func ratio(err, signal float64) float64 {
	if signal == 0 {
		return 0
	}
	return err / signal
}

// weighted sums w·(a-b)²; b and w may be nil for zeros and ones.
func weighted(a, b, w []float32) float64 {
	sum := 0.0
	for i, x := range a {
		d := float64(x)
		if b != nil {
			d -= float64(b[i])
		}
		d *= d
		if w != nil {
			d *= float64(w[i])
		}
		sum += d
	}
	return sum
}

// Round rounds values to four bits in blocks of 32, in place. It is how
// weights are altered to find out how sensitive a model is to their errors.
func Round(values []float32) {
	for len(values) > 0 {
		block := values[:min(32, len(values))]
		values = values[len(block):]
		peak := float32(0)
		for _, v := range block {
			peak = max(peak, v, -v)
		}
		if peak == 0 || peak-peak != 0 {
			continue
		}
		step := peak / 7
		for i, v := range block {
			block[i] = step * float32(math.RoundToEven(float64(v/step)))
		}
	}
}
