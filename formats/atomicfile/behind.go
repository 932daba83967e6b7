package atomicfile

import (
	"sync"

	"github.com/f190792d/mq/formats/internal/mmap"
)

// windowBytes is how much is written before the system is told to write it to
// disk; twice as much is at most in its cache.
const windowBytes = 16 << 20

// behind follows the writers: what they have written goes to disk and out of
// the page cache while they go on.
type behind struct {
	mu       sync.Mutex
	window   []extent // written since the last window
	size     int64
	previous []extent // on their way to disk
	err      error    // of the disk
}

type extent struct{ off, n int64 }

// Release says that n bytes at off are final: the system may write them to
// disk and forget them, which keeps a large file from pushing others out of
// memory. It may wait for the disk.
func (f *File) Release(off, n int64) {
	b := &f.behind
	b.mu.Lock()
	b.window = append(b.window, extent{off, n})
	if b.size += n; b.size < windowBytes {
		b.mu.Unlock()
		return
	}
	written, older := b.window, b.previous
	b.window, b.size, b.previous = nil, 0, written
	b.mu.Unlock()

	for _, e := range written {
		mmap.FlushFile(f.f, e.off, e.n)
	}
	for _, e := range older {
		if err := mmap.SettleFile(f.f, e.off, e.n); err != nil {
			b.mu.Lock()
			b.err = err
			b.mu.Unlock()
		}
		mmap.ReleaseFile(f.f, e.off, e.n)
	}
}

// failure returns what the disk said while it was written to.
func (b *behind) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}
