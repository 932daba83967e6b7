package compute

import (
	"context"
	"sync"
	"sync/atomic"
)

// Parallel calls run for every i below n from the given number of workers.
// Which worker takes which i is left to chance, so run must not let it show.
// It returns an error of run, or that of ctx.
func Parallel(ctx context.Context, workers, n int, run func(worker, i int) error) error {
	workers = min(workers, n)
	if workers <= 1 {
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := run(0, i); err != nil {
				return err
			}
		}
		return nil
	}
	var next, failed atomic.Int64
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for failed.Load() == 0 {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				err := ctx.Err()
				if err == nil {
					err = run(w, i)
				}
				if err != nil {
					errs[w] = err
					failed.Store(1)
					return
				}
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
