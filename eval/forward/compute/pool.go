package compute

import (
	"context"
	"sync"
	"sync/atomic"
)

// Parallel calls run for every i below n from the given number of workers.
// Which worker takes which i is left to chance, so run must not let it show.
// It returns an error of run, or that of ctx. A mapped file that is cut short
// while run reads it is an error, too.
func Parallel(ctx context.Context, workers, n int, run func(worker, i int) error) error {
	workers = min(workers, n)
	if workers <= 1 {
		return guarded(func() error {
			for i := range n {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := run(0, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var next, failed atomic.Int64
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			errs[w] = guarded(func() error {
				for failed.Load() == 0 {
					i := int(next.Add(1)) - 1
					if i >= n {
						return nil
					}
					if err := ctx.Err(); err != nil {
						return err
					}
					if err := run(w, i); err != nil {
						return err
					}
				}
				return nil
			})
			if errs[w] != nil {
				failed.Store(1)
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
