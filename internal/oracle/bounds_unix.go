//go:build unix

package oracle

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"
)

// The bounds on whatever is parsed.
const (
	maxTime   = slowdown * 2 * time.Second
	maxMemory = int64(64 << 20) // over the size of the input
)

// Bounded runs a parser of size bytes and holds it to its bounds: the time of
// the processor, and the memory that is live at any moment. Nothing else may
// run in the process. On a machine that is busy a collection of garbage comes
// late and a second is longer, so that what exceeds a bound is measured again.
func Bounded(t testing.TB, size int, parse func()) {
	t.Helper()
	spent, most := measure(t, parse)
	for range 3 {
		if spent <= maxTime && most <= maxMemory+int64(size) {
			return
		}
		again, memory := measure(t, parse)
		spent, most = min(spent, again), min(most, memory)
	}
	if most > maxMemory+int64(size) {
		t.Errorf("%d MiB are live for %d MiB of input", most>>20, size>>20)
	}
	if spent > maxTime {
		t.Errorf("it took %v for %d MiB of input", spent, size>>20)
	}
}

// measure runs a parser and returns the time of the processor that it took,
// and the most memory that was live, in bytes.
func measure(t testing.TB, parse func()) (time.Duration, int64) {
	t.Helper()
	percent := debug.SetGCPercent(25)
	defer debug.SetGCPercent(percent)
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
	return spent, (int64(<-peak) - int64(before)) * 4 / 5
}

func live() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
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
	if sum := after.TotalAlloc - before.TotalAlloc; sum > uint64(maxMemory)+uint64(each*size) {
		t.Errorf("%d bytes of input made it allocate %d", size, sum)
	}
	if spent > maxTime { // the machine may have been busy
		begin := processorTime(t)
		parse()
		spent = min(spent, processorTime(t)-begin)
	}
	if spent > maxTime {
		t.Errorf("%d bytes of input took %v", size, spent)
	}
}
