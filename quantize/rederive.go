package quantize

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// A Departure is a tensor of a file that its source does not give.
type Departure struct {
	Tensor string `json:"tensor"`
	Reason string `json:"reason"`
	At     int64  `json:"at"` // the first byte that differs, -1 where all do
}

func (d Departure) String() string {
	if d.At < 0 {
		return fmt.Sprintf("tensor %q: %s", d.Tensor, d.Reason)
	}
	return fmt.Sprintf("tensor %q: %s at byte %d", d.Tensor, d.Reason, d.At)
}

// Rederive makes the data of a file again and compares them to the byte. The
// key-values and sources are those that the file was made from; o is what
// the file itself does not: the importance matrix. The types are the file's.
// Departures come in the order of their names.
func Rederive(ctx context.Context, kvs gguf.KVs, sources []gguf.Stream, file *gguf.File, o Options, run RunOptions) ([]Departure, error) {
	infos := make([]gguf.TensorInfo, len(sources))
	for i, s := range sources {
		infos[i] = s.TensorInfo
	}
	var err error
	if o.Recipe, err = ParseRecipe("F32"); err != nil { // every type comes from the file
		return nil, err
	}
	o.Like, o.AllowRequantize = NewLike(file.KVs(), file.Tensors()), true
	plan, err := NewPlan(kvs, infos, o)
	if err != nil {
		return nil, err
	}
	r := &rederivation{plan: plan, file: file, found: map[string]Departure{}}
	r.compareHeaders()
	run.Skip = r.skip
	run.Wrote = func(at Range, data []byte) error { return r.compare(ctx, at, data) }
	if err := Run(ctx, sources, []Output{{Plan: plan, Files: []io.WriterAt{nowhere{}}}}, run); err != nil {
		return nil, err
	}
	var list []Departure
	for _, d := range r.found {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Departure) int { return cmp.Compare(a.Tensor, b.Tensor) })
	return list, nil
}

// nowhere takes bytes and forgets them.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// rederivation compares what the pipeline makes with what a file has.
type rederivation struct {
	plan *Plan
	file *gguf.File

	mu    sync.Mutex
	found map[string]Departure
}

func (r *rederivation) compareHeaders() {
	made := map[string]bool{}
	for _, c := range r.plan.Tensors {
		made[c.Info.Name] = true
		t, ok := r.file.Lookup(c.Info.Name)
		switch {
		case !ok:
			r.found[c.Info.Name] = Departure{c.Info.Name, "the file lacks it", -1}
		case t.Type != c.Info.Type || !slices.Equal(gguf.TrimShape(t.Shape), gguf.TrimShape(c.Info.Shape)):
			r.found[c.Info.Name] = Departure{c.Info.Name, fmt.Sprintf("it is %s %v, the source gives %s %v", t.Type, t.Shape, c.Info.Type, c.Info.Shape), -1}
		}
	}
	for _, t := range r.file.Tensors() {
		if !made[t.Name] {
			r.found[t.Name] = Departure{t.Name, "the source does not give it", -1}
		}
	}
}

// skip passes over headers and over tensors that cannot be compared.
func (r *rederivation) skip(at Range) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, departs := r.found[at.Tensor]
	return at.Tensor == "" || departs && d.At < 0
}

func (r *rederivation) compare(ctx context.Context, at Range, data []byte) error {
	t, ok := r.file.Lookup(at.Tensor)
	if !ok {
		return fault.Op("quantize").Tensor(at.Tensor).Invalid("it is not in the file")
	}
	begin := int64(0)
	for i, info := range r.plan.Files[0].Tensors {
		if info.Name == at.Tensor {
			begin = r.plan.Files[0].TensorOffset(i)
		}
	}
	off := at.Offset - begin
	data = data[:min(int64(len(data)), t.Size()-off)]
	got := make([]byte, len(data))
	if _, err := r.file.ReadTensorAt(ctx, t, got, off); err != nil {
		return err
	}
	if bytes.Equal(data, got) {
		return nil
	}
	first := off
	for i := range data {
		if data[i] != got[i] {
			first += int64(i)
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if d, again := r.found[at.Tensor]; !again || first < d.At {
		r.found[at.Tensor] = Departure{at.Tensor, "its bytes differ from those that the source gives", first}
	}
	return nil
}
