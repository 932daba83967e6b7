package compute

import (
	"runtime"
)

// CPU computes on the processor with several goroutines. It reads weights
// where they lie and keeps none.
type CPU struct {
	workers int
	free    Spare[desk]
}

// desk is the memory of one call.
type desk struct {
	packed  []float32
	scratch []*scratch // by worker
}

// scratch is the memory of one worker.
type scratch struct {
	raw    []byte
	rows   []float32 // decoded rows, rowBlock × depthBlock
	panels []float32 // the same, packed
	sums   []float32 // results of a block of rows, [tokens, rows up to whole panels]
	tile   attentionTile
}

// NewCPU returns a device of so many goroutines; fewer than 1 means one for
// each processor. Results do not depend on it.
func NewCPU(workers int) *CPU {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &CPU{workers: workers}
}

// Workers returns the number of goroutines.
func (c *CPU) Workers() int { return c.workers }

// Keep does nothing.
func (c *CPU) Keep(*Matrix) error { return nil }

func (c *CPU) take() *desk {
	d := c.free.Take()
	for len(d.scratch) < c.workers {
		d.scratch = append(d.scratch, &scratch{})
	}
	return d
}
