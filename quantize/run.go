package quantize

import (
	"context"
	"io"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
)

// chunkBytes is how much of a source a worker takes at a time: enough to make
// reading efficient, little enough to stay in the cache. It does not depend
// on the number of workers, so that ranges are the same in every run.
const chunkBytes = 1 << 20

// defaultMemory is the budget of data in flight for each worker.
const defaultMemory = 16 << 20

// aheadChunks is how far ahead of each worker the system reads.
const aheadChunks = 3

// Output is one file to write, or the files of a split set.
type Output struct {
	Plan  *Plan
	Files []io.WriterAt // one for each of Plan.Files
}

// A Range is a run of bytes of an output: the header of a file, or whole rows
// of a tensor and the padding after the last.
type Range struct {
	Output, File   int
	Tensor         string // empty for a header
	Offset, Length int64  // in the file
}

// RunOptions tune a run. No option changes what is written.
type RunOptions struct {
	Workers   int   // goroutines that quantize; 0 for one on each processor
	MaxMemory int64 // bytes of tensor data in flight; 0 for 16 MiB a worker

	// Progress is called after every chunk, with the bytes that all outputs have
	// of their tensors by then, and the tensor that was worked on last.
	Progress progress.Func

	// Skip reports whether a range was written before. A chunk is not even read
	// where all outputs have it. It may be called from several goroutines.
	Skip func(Range) bool

	// Reads, if not nil, is told before anything is read which sources will be
	// read as a whole, in their order. It is a hint for those that fetch.
	Reads func(sources []int)

	// Wrote is called with the bytes of each range after they were written,
	// from several goroutines. The bytes are only valid during the call. An
	// error ends the run.
	Wrote func(r Range, data []byte) error
}

// Run reads the source once and writes all outputs. The streams are those
// whose headers the plans were made from, in the same order. Chunks of rows
// are read ahead, quantized and written at their places by several workers;
// every row depends on nothing but itself, so the bytes are the same for any
// number of them. Run returns soon after ctx is cancelled, with its error.
func Run(ctx context.Context, sources []gguf.Stream, outputs []Output, o RunOptions) error {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxMemory <= 0 {
		o.MaxMemory = int64(o.Workers) * defaultMemory
	}
	r := &run{
		RunOptions: o, sources: sources, outputs: outputs,
		memory: semaphore.NewWeighted(o.MaxMemory),
	}
	if err := r.schedule(); err != nil {
		return err
	}
	if err := r.writeHeaders(); err != nil {
		return err
	}
	r.announce()

	group, ctx := errgroup.WithContext(ctx)
	if !gguf.ReadAhead(sources) {
		r.startReaders(ctx, group)
	}
	for range o.Workers {
		group.Go(func() (err error) {
			defer fault.Rescue(&err)
			return r.work(ctx)
		})
	}
	return group.Wait()
}

// startReaders fills chunks ahead of the workers.
func (r *run) startReaders(ctx context.Context, group *errgroup.Group) {
	r.chunks = make(chan *chunk, 2*r.Workers)
	readers := max(1, r.Workers/2)
	var reading sync.WaitGroup
	reading.Add(readers)
	for range readers {
		group.Go(func() (err error) {
			defer fault.Rescue(&err)
			defer reading.Done()
			return r.read(ctx)
		})
	}
	group.Go(func() (err error) {
		defer fault.Rescue(&err)
		reading.Wait()
		close(r.chunks)
		return nil
	})
}

// run is the state of one Run.
type run struct {
	RunOptions
	sources []gguf.Stream
	outputs []Output

	tensors []task // what is done with each source tensor, in their order
	cursor  cursor

	memory  *semaphore.Weighted
	chunks  chan *chunk // filled by readers; nil where the system reads ahead
	buffers sync.Pool   // of *[]byte

	reporting sync.Mutex
	done      int64
	total     int64
}

// cursor deals out chunks to the readers, in the order of the source.
type cursor struct {
	sync.Mutex
	tensor int
	row    int64
}

// A task is one source tensor with all it is needed for.
type task struct {
	source   *gguf.Stream
	rowBytes int64
	rows     int64
	step     int64 // rows to a chunk
	written  int64 // bytes that a row gives in all outputs
	uses     []use
}

// A use is one output that needs a tensor.
type use struct {
	output int
	choice *Choice
}

// schedule pairs the sources with the outputs' choices.
func (r *run) schedule() error {
	r.tensors = make([]task, len(r.sources))
	for i := range r.sources {
		s := &r.sources[i]
		t := task{source: s, rowBytes: s.RowBytes(), rows: s.Rows()}
		if t.rowBytes < 0 || t.rows < 0 || s.Size() < 0 {
			return fault.Op("quantize").Tensor(s.Name).Corrupt("shape %v does not fit type %s", s.Shape, s.Type)
		}
		r.tensors[i] = t
	}
	for n, out := range r.outputs {
		if len(out.Files) != len(out.Plan.Files) {
			return fault.Op("quantize").Invalid("output %d has %d files to write, its plan has %d", n, len(out.Files), len(out.Plan.Files))
		}
		for i := range out.Plan.Tensors {
			c := &out.Plan.Tensors[i]
			if c.Source >= len(r.tensors) || r.sources[c.Source].Type != c.From || r.sources[c.Source].Elements() != c.Info.Elements() {
				return fault.Op("quantize").Tensor(c.Info.Name).Invalid("the source is not the one that was planned for")
			}
			t := &r.tensors[c.Source]
			t.uses = append(t.uses, use{n, c})
			t.written += c.Info.Size() / max(1, t.rows)
		}
	}
	for i := range r.tensors {
		t := &r.tensors[i]
		t.unblock()
		t.step = max(1, chunkBytes/max(1, t.rowBytes))
		r.total += t.rows * t.written
	}
	return nil
}

// unblock takes the weights of a source rather than its blocks where no output
// has these.
func (t *task) unblock() {
	keeps := func(u use) bool { return !u.choice.Converts() }
	if t.source.Floats == nil || slices.ContainsFunc(t.uses, keeps) {
		return
	}
	plain := *t.source
	plain.Type, plain.ReadRows = gguf.TypeF32, plain.Floats
	t.source, t.rowBytes = &plain, plain.RowBytes()
}

// announce tells which sources will be read.
func (r *run) announce() {
	if r.Reads == nil {
		return
	}
	var whole []int
	for i := range r.tensors {
		if t := &r.tensors[i]; len(t.uses) > 0 && !r.begun(t) {
			whole = append(whole, i)
		}
	}
	r.Reads(whole)
}

func (r *run) writeHeaders() error {
	for n, out := range r.outputs {
		for i, f := range out.Plan.Files {
			header := f.HeaderBytes()
			if err := r.put(Range{Output: n, File: i, Length: int64(len(header))}, header); err != nil {
				return err
			}
		}
	}
	return nil
}

// put writes one range unless it was written before.
func (r *run) put(at Range, data []byte) error {
	if r.Skip != nil && r.Skip(at) {
		return nil
	}
	if _, err := r.outputs[at.Output].Files[at.File].WriteAt(data, at.Offset); err != nil {
		return fault.Op("quantize").Tensor(at.Tensor).IO("cannot write: %w", err)
	}
	if r.Wrote != nil {
		return r.Wrote(at, data)
	}
	return nil
}

// finish counts a chunk.
func (r *run) finish(c *chunk) {
	r.reporting.Lock()
	defer r.reporting.Unlock()
	r.done += c.rows * c.task.written
	r.Progress.Report(progress.Report{Note: c.task.source.Name, Done: r.done, Total: r.total, Bytes: true})
}
