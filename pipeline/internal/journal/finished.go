package journal

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/quantize"
)

// sums are the checksums of the ranges of all files, as far as they are known.
type sums struct {
	mu sync.Mutex
	of map[place]checksum
}

func (s *sums) set(p place, sum checksum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[place]checksum{}
	}
	s.of[p] = sum
}

// A run that has finished leaves a record of what it has written, in the form
// of its journal, in the folder Job.Records. By it a later run that resumes
// knows its outputs from others of the same size and header.

// recordPath is where the record lies of the run's outputs.
func (w *work) recordPath() (string, bool) {
	path, err := filepath.Abs(w.files[0].path)
	if err != nil || w.Records == "" {
		return "", false
	}
	digest := sha256.New()
	digest.Write([]byte(path))
	return filepath.Join(w.Records, text(digest)), true
}

// remember writes the record. It saves a later run work and decides nothing:
// where it cannot be written there is none.
func (w *work) remember(id identity) {
	path, ok := w.recordPath()
	if !ok || slices.ContainsFunc(w.files, func(o *output) bool { return o.dropped }) {
		return
	}
	head, err := json.Marshal(id)
	if err != nil {
		return
	}
	var all bytes.Buffer
	line := func(text string) { all.WriteString(text + " " + lineSum(text)) }
	line(format + " " + string(head))
	for _, p := range w.sums.sorted() {
		line(record{file: p.file, off: p.off, n: p.n, sum: w.sums.of[p]}.String())
	}
	if os.MkdirAll(w.Records, 0o700) == nil {
		_ = atomicfile.WriteFile(path, all.Bytes(), atomicfile.Options{Force: true})
	}
}

// sorted lists the ranges in the order of the files.
func (s *sums) sorted() []place {
	return slices.SortedFunc(maps.Keys(s.of), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.off, b.off), cmp.Compare(a.n, b.n))
	})
}

// recorded reads the record; it is nil where there is none of this run.
func (w *work) recorded(id identity) []record {
	path, ok := w.recordPath()
	if !ok {
		return nil
	}
	f, err := atomicfile.OpenOwn(path, os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer f.Close()
	was, records, _, err := parse(f)
	if err != nil || id.differs(was) != "" {
		return nil
	}
	return records
}

// confirm holds outputs that are there already to what this run would write:
// by the checksums of the run that has written them where it was the same, else
// by making everything again and comparing.
func (w *work) confirm(ctx context.Context) error {
	id, err := w.identity()
	if err != nil {
		return err
	}
	files := make([]*os.File, len(w.files))
	for i, o := range w.files {
		if files[i], err = os.Open(o.path); err != nil {
			return fault.File(o.path).IO("cannot read what an earlier run has written: %w", err)
		}
		defer files[i].Close()
	}
	records := w.recorded(id)
	for _, r := range records {
		if r.file < len(w.files) && !r.named {
			w.sums.set(place{r.file, r.off, r.n}, r.sum)
		}
	}
	if records == nil {
		if err := w.compare(ctx, files); err != nil {
			return err
		}
	} else if err := w.readBack(ctx, files); err != nil {
		return err
	}
	for i, f := range files {
		if err := w.padded(i, f); err != nil {
			return err
		}
	}
	if records == nil {
		w.remember(id)
	}
	return nil
}

// readBack compares the outputs with the checksums of what was written.
func (w *work) readBack(ctx context.Context, files []*os.File) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, w.workers()))
	for p, want := range w.sums.of {
		group.Go(func() (err error) {
			defer fault.Rescue(&err)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			sum, err := sumOfRange(files[p.file], p.off, p.n)
			if err != nil {
				return fault.File(w.files[p.file].path).IO("cannot read what an earlier run has written: %w", err)
			}
			if sum != want {
				return w.altered(p.file, p.off, p.n)
			}
			return nil
		})
	}
	return group.Wait()
}

// altered is the error of a finished output whose bytes are not those that
// were written.
func (w *work) altered(file int, off, n int64) error {
	return fault.File(w.files[file].path).Kind(atomicfile.ErrExists).Corrupt("an earlier run has finished it, but of its bytes %d to %d some are not those that were written", off, off+n-1)
}

// padded demands zeros wherever a file has neither header nor tensors.
func (w *work) padded(file int, f *os.File) error {
	plan := w.files[file].plan
	at := int64(len(plan.HeaderBytes()))
	zero := func(end int64) error {
		for buf := make([]byte, 64<<10); at < end; {
			piece := buf[:min(int64(len(buf)), end-at)]
			if _, err := f.ReadAt(piece, at); err != nil {
				return fault.File(w.files[file].path).IO("cannot read what an earlier run has written: %w", err)
			}
			if len(bytes.Trim(piece, "\x00")) > 0 {
				return w.altered(file, at, int64(len(piece)))
			}
			at += int64(len(piece))
		}
		return nil
	}
	for _, p := range w.sums.sorted() {
		if p.file != file {
			continue
		}
		if err := zero(p.off); err != nil {
			return err
		}
		at = max(at, p.off+p.n)
	}
	return zero(plan.TotalSize())
}

// compare makes everything again and compares it with the outputs.
func (w *work) compare(ctx context.Context, files []*os.File) error {
	var outputs []quantize.Output
	for t, target := range w.Targets {
		out := quantize.Output{Plan: target.Plan}
		for i := range target.Plan.Files {
			out.Files = append(out.Files, &comparison{f: files[w.first[t]+i]})
		}
		outputs = append(outputs, out)
	}
	err := quantize.Run(ctx, w.Sources, outputs, quantize.RunOptions{
		Workers:   w.Workers,
		MaxMemory: w.Memory,
		Progress:  w.Progress.Named("comparing"),
		Wrote: func(r quantize.Range, data []byte) error {
			w.sums.set(place{w.first[r.Output] + r.File, r.Offset, r.Length}, sumOf(data))
			return nil
		},
	})
	for t, out := range outputs {
		for i, f := range out.Files {
			if c := f.(*comparison); c.differs() {
				return fault.File(w.files[w.first[t]+i].path).Kind(atomicfile.ErrExists).Invalid("the output exists already, and it is not what this source and these options give: byte %d differs", c.first)
			}
		}
	}
	return err
}

// comparison takes what is written for what must be there.
type comparison struct {
	f *os.File

	mu    sync.Mutex
	other bool
	first int64 // the first place found that differs
}

var errDiffers = errors.New("the output differs")

// WriteAt implements io.WriterAt.
func (c *comparison) WriteAt(p []byte, off int64) (int, error) {
	there := make([]byte, len(p))
	if n, err := c.f.ReadAt(there, off); n < len(p) {
		return 0, err
	}
	if bytes.Equal(p, there) {
		return len(p), nil
	}
	at := 0
	for p[at] == there[at] {
		at++
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := off + int64(at); !c.other || first < c.first {
		c.other, c.first = true, first
	}
	return at, errDiffers
}

func (c *comparison) differs() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.other
}
