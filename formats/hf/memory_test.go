package hf

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/fstest"
	"time"

	"github.com/f190792d/mq/formats/fault"
)

// TestMemoryStaysBoundedWhileRejecting watches the live heap while a long
// index is refused.
func TestMemoryStaysBoundedWhileRejecting(t *testing.T) {
	const bound = 64 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // little garbage beside it
	for rule, entry := range map[string]string{
		"tensors": `"%07d":"x",`,
		"files":   `"%07d":"%[1]d",`,
		"nothing": `"%07d":null,`,
	} {
		data := []byte(`{"weight_map":{`)
		for i := range 1_500_000 {
			data = fmt.Appendf(data, entry, i)
		}
		files := fstest.MapFS{"config.json": text("{}"), "model.safetensors.index.json": {Data: data}}
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		before, peak := stats.HeapAlloc, uint64(0)
		done := make(chan error)
		go func() {
			_, err := OpenFS(t.Context(), files, "m")
			done <- err
		}()
		var err error
		for running := true; running; {
			select {
			case err = <-done:
				running = false
			case <-time.After(2 * time.Millisecond):
			}
			runtime.ReadMemStats(&stats)
			peak = max(peak, stats.HeapAlloc)
		}
		if !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: %v", rule, err)
		}
		used := int64(peak) - int64(before)
		t.Logf("%s: %d MB for %d MB: %v", rule, used>>20, len(data)>>20, err)
		if used > int64(len(data))+bound {
			t.Errorf("%s: %d MB for an index of %d MB", rule, used>>20, len(data)>>20)
		}
	}
}
