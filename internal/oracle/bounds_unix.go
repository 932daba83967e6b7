//go:build unix

package oracle

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
)

// The bounds on whatever is parsed.
const (
	maxTime   = slowdown * 2 * time.Second
	maxMemory = 64 << 20 // over the size of the input
)

// Bounded runs a parser of size bytes and holds it to its bounds: the time of
// the processor, and the memory that is live at any moment. Nothing else may
// run in the process.
func Bounded(t testing.TB, size int, parse func()) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	runtime.GC()
	before := live()
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(2 * time.Millisecond):
				most = max(most, live())
			}
		}
	}()
	begin := processorTime(t)
	parse()
	spent := processorTime(t) - begin
	close(stop)
	// A quarter of what is live may be garbage at any time.
	if most := int64(<-peak) - int64(before); most > int64(maxMemory+size)*5/4 {
		t.Errorf("%d MiB are live for %d MiB of input", most>>20, size>>20)
	}
	if spent > maxTime {
		t.Errorf("it took %v for %d MiB of input", spent, size>>20)
	}
}

func live() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Watched runs a parser of size bytes for a fuzz test and holds it to a time
// and to a sum of allocations.
func Watched(t testing.TB, size int, parse func()) {
	t.Helper()
	const each = 1 << 10 // bytes that may be allocated for a byte of input, over maxMemory
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := processorTime(t)
	parse()
	spent := processorTime(t) - begin
	runtime.ReadMemStats(&after)
	if sum := after.TotalAlloc - before.TotalAlloc; sum > uint64(maxMemory+each*size) {
		t.Errorf("%d bytes of input made it allocate %d", size, sum)
	}
	if spent > maxTime {
		t.Errorf("%d bytes of input took %v", size, spent)
	}
}
