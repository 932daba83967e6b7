package journal

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/quantize"
)

// verify reads back the ranges that an earlier run says it has finished and
// keeps those whose bytes are there.
func (w *work) verify(ctx context.Context, records []record) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, w.workers()))
	found := make([]bool, len(records))
	for i, r := range records {
		if r.named || r.file >= len(w.files) || r.n > w.files[r.file].plan.TotalSize()-r.off {
			continue
		}
		if w.isNamed(r.file) {
			w.sums.set(place{r.file, r.off, r.n}, r.sum) // it was whole when it got its name
			continue
		}
		group.Go(func() (err error) {
			defer fault.Rescue(&err)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			sum, err := w.sumOf(r)
			found[i] = sum == r.sum && err == nil
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, r := range records {
		if found[i] {
			w.done[place{r.file, r.off, r.n}] = true
			w.sums.set(place{r.file, r.off, r.n}, r.sum)
		}
	}
	return nil
}

func (w *work) workers() int {
	if w.Workers > 0 {
		return w.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// sumOf is the checksum of what a file has in place of a record's range.
func (w *work) sumOf(r record) (checksum, error) {
	sum, err := sumOfRange(w.files[r.file].file, r.off, r.n)
	if err != nil {
		return 0, fault.File(w.files[r.file].path).IO("cannot read back what an earlier run wrote: %w", err)
	}
	return sum, nil
}

// run writes, checks and names the files.
func (w *work) run(ctx context.Context) error {
	if err := w.write(ctx); err != nil {
		return err
	}
	for _, o := range w.files {
		if o.file == nil {
			continue
		}
		if err := o.file.Sync(); err != nil {
			return err
		}
	}
	if err := w.judge(ctx); err != nil {
		return err
	}
	if err := w.unchanged(); err != nil {
		return err
	}
	if err := w.name(); err != nil {
		return err
	}
	if w.Named != nil {
		for i, t := range w.Targets {
			if w.files[w.first[i]].dropped {
				continue
			}
			if err := w.Named(ctx, t); err != nil {
				return err
			}
		}
	}
	w.remember(w.id)
	w.log.drop()
	return nil
}

// write runs the pipeline while the inputs are watched.
func (w *work) write(ctx context.Context) error {
	if w.allNamed() {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		var err error
		defer func() {
			if err != nil {
				cancel(err)
			}
		}()
		defer fault.Rescue(&err)
		w.watch(stop, cancel)
	})
	defer watcher.Wait() // it reads what the caller closes
	defer close(stop)

	index := func(r quantize.Range) int { return w.first[r.Output] + r.File }
	err := quantize.Run(ctx, w.Sources, w.outputs(), quantize.RunOptions{
		Workers:   w.Workers,
		MaxMemory: w.Memory,
		Progress:  w.Progress.Named("writing"),
		Reads:     w.Reads,
		Skip: func(r quantize.Range) bool {
			i := index(r)
			return w.done[place{i, r.Offset, r.Length}] || w.isNamed(i)
		},
		Wrote: func(r quantize.Range, data []byte) error {
			i := index(r)
			sum := sumOf(data)
			if err := w.log.wrote(record{file: i, off: r.Offset, n: r.Length, sum: sum}); err != nil {
				return err
			}
			w.sums.set(place{i, r.Offset, r.Length}, sum)
			w.files[i].file.Release(r.Offset, r.Length)
			return nil
		},
	})
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause // an input was changed: no other error means more
	}
	return err
}

// watch looks at the inputs until stop is closed.
func (w *work) watch(stop <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if err := w.unchanged(); err != nil {
				cancel(err)
				return
			}
		}
	}
}

func (w *work) allNamed() bool {
	for i := range w.files {
		if !w.isNamed(i) {
			return false
		}
	}
	return true
}

// judge checks the targets. Where a file has its name, its target was checked
// before.
func (w *work) judge(ctx context.Context) error {
	if w.Check == nil {
		return nil
	}
	for i, t := range w.Targets {
		files := w.files[w.first[i]:][:len(t.Plan.Files)]
		var unfinished []string
		for _, o := range files {
			if o.file != nil {
				unfinished = append(unfinished, o.file.TempPath())
			}
		}
		if len(unfinished) < len(files) {
			continue
		}
		err := w.Check(ctx, t, unfinished)
		if errors.Is(err, fault.ErrCheck) && w.Failed != nil {
			w.Failed(t, err)
			for _, o := range files {
				o.file.Abort()
				o.file, o.dropped = nil, true
			}
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// name gives the files their names.
func (w *work) name() error {
	for i, o := range w.files {
		if o.dropped {
			continue
		}
		if o.file == nil { // an earlier run may have failed to bring its name to disk
			if err := atomicfile.SyncName(o.path); err != nil {
				return err
			}
			continue
		}
		if err := w.log.named(i); err != nil {
			return err
		}
		if err := o.file.Commit(); err != nil {
			return err
		}
	}
	return nil
}
