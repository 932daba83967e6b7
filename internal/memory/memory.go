package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

const (
	// Least is the smallest default budget.
	Least = 256 << 20
	// Overhead is what a process takes beside Go's heap: code, stacks, the
	// pages of mapped tables.
	Overhead = 32 << 20
)

// Default is the budget where none is given: a quarter of the memory that this
// process may use, at least 256 MiB.
func Default() int64 {
	total := installed()
	if limit, ok := cgroupLimit(); ok && (total == 0 || limit < total) {
		total = limit
	}
	return max(Least, total/4)
}

// Limit makes the garbage collector keep the process below a budget.
func Limit(budget int64) { debug.SetMemoryLimit(max(budget-Overhead, budget/2)) }

var later sync.Once

// CollectLater puts the first collection of garbage off until the heap has 40
// MB, so that short runs are over before it. After that one all are as ever.
func CollectLater() {
	later.Do(func() {
		if os.Getenv("GOGC") == "" {
			runtime.AddCleanup(new([64]byte), func(usual int) { debug.SetGCPercent(usual) }, debug.SetGCPercent(1000))
		}
	})
}

// cgroupLimit is the limit that a container or a batch job sets, read from
// where version 2 and version 1 of control groups show it inside one.
func cgroupLimit() (int64, bool) {
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			return n, true
		}
	}
	return 0, false
}
