//go:build linux

package hub

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/f190792d/mq/internal/hubtest"
)

// rate is that of the line in bytes a second, where there is one.
const rate = 100_000_000

// BenchmarkConversion converts the folder that MQ_BENCH_MODEL names as it lies,
// over a line with 20 ms of delay, and over one with a rate as well; with and
// without the comparison at the end, which reads the source again.
func BenchmarkConversion(b *testing.B) {
	dir, mq := os.Getenv("MQ_BENCH_MODEL"), build(b)
	if dir == "" {
		b.Skip("MQ_BENCH_MODEL names no checkpoint folder")
	}
	h, named := serve(b, dir)
	for _, c := range []struct {
		name, model string
		delay       time.Duration
		rate        int64
	}{
		{"folder", dir, 0, 0},
		{"delay", named, 20 * time.Millisecond, 0},
		{"rate", named, 20 * time.Millisecond, rate},
	} {
		for name, more := range map[string][]string{"written": {"--no-verify"}, "compared": nil} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				h.Delay, h.Rate = c.delay, c.rate
				for b.Loop() {
					measure(b, h, exec.Command(mq, append(convert(c.model, filepath.Join(b.TempDir(), "m.gguf")), more...)...))
				}
			})
		}
	}
}

// BenchmarkFaults converts by name while the line breaks, stalls and refuses
// at random, another way each time: -benchtime 100x.
func BenchmarkFaults(b *testing.B) {
	const budget = 128 << 20
	dir, mq := os.Getenv("MQ_BENCH_MODEL"), build(b)
	if dir == "" {
		dir = filepath.Join(root, "testdata", "stories-llama")
	}
	h, name := serve(b, dir)
	b.Setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.5")
	file := filepath.Join(b.TempDir(), "m.gguf")
	if out, err := exec.Command(mq, convert(dir, file)...).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	most, seed := int64(0), uint64(0)
	for b.Loop() {
		seed++
		h.Fault = faults(seed)
		peak := measure(b, h, exec.Command(mq, append(convert(name, file), "--max-memory", "128MiB")...))
		most = max(most, peak)
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			b.Fatalf("seed %d: other bytes than of the folder (%v)", seed, err)
		}
	}
	if b.ReportMetric(float64(most)/1e6, "most-MB"); most > budget {
		b.Errorf("%d bytes resident of %d", most, budget)
	}
}

// faults go wrong with two of five requests for content.
func faults(seed uint64) func(*http.Request) hubtest.Fault {
	random, mu := rand.New(rand.NewPCG(seed, 1)), sync.Mutex{}
	return func(r *http.Request) hubtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch random.IntN(20) {
		case 0, 1, 2, 3:
			return hubtest.Fault{CutAfter: 1 + random.Int64N(4<<20)}
		case 4:
			return hubtest.Fault{CutAfter: 1 + random.Int64N(1<<10)}
		case 5:
			return hubtest.Fault{Stall: time.Duration(random.IntN(1000)) * time.Millisecond}
		case 6:
			return hubtest.Fault{Status: []int{500, 502, 503, 504, 408}[random.IntN(5)]}
		case 7:
			if r.URL.Query().Has("signature") { // which may have expired
				return hubtest.Fault{Status: http.StatusForbidden}
			}
		}
		return hubtest.Fault{}
	}
}

const root = "../../.."

// build makes the mq command.
func build(b *testing.B) string {
	b.Helper()
	mq := filepath.Join(b.TempDir(), "mq")
	if out, err := exec.Command("go", "build", "-o", mq, root+"/cmd/mq").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return mq
}

func convert(model, out string) []string {
	return []string{"convert", model, "-t", "q4_k_m", "-o", out, "--force", "--quiet"}
}

// serve makes a Hub with the model of a folder, under the folder's name.
func serve(b *testing.B, dir string) (h *hubtest.Hub, name string) {
	b.Helper()
	h, name = hubtest.New(b), "org/"+filepath.Base(dir)
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		b.Fatal(err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		data := mapped(b, path)
		files[filepath.Base(path)] = data
		h.Lies(data, path)
	}
	h.Add(name, files)
	b.Setenv("HF_ENDPOINT", h.URL())
	b.Setenv("HF_HOME", b.TempDir())
	b.Setenv("HF_TOKEN", "")
	return h, name
}

// mapped is a file as memory that holds nothing of it.
func mapped(b testing.TB, path string) []byte {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil
	}
	// the mapping stays until the process ends: a server may yet read it
	data, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// measure runs a command, reports what it took and returns its peak memory.
func measure(b *testing.B, h *hubtest.Hub, cmd *exec.Cmd) (peak int64) {
	b.Helper()
	fetched, requests, resolves, served, begin := h.Bytes.Load(), h.Requests.Load(), h.Resolves.Load(), spent(b), time.Now()
	var says bytes.Buffer
	cmd.Stdout, cmd.Stderr = &says, &says
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for running := true; running; {
		peak = max(peak, resident(cmd.Process.Pid))
		select {
		case err := <-ended:
			var exit *exec.ExitError // figures of random weights may miss a limit
			if running = false; err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) {
				b.Fatalf("%v\n%s", err, &says)
			}
		case <-time.After(5 * time.Millisecond):
		}
	}
	took, n := time.Since(begin), float64(h.Bytes.Load()-fetched)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took.Seconds(), "s")
	b.ReportMetric(cmd.ProcessState.UserTime().Seconds()+cmd.ProcessState.SystemTime().Seconds(), "cpu-s")
	b.ReportMetric(float64(peak)/1e6, "peak-MB")
	if n > 0 {
		b.ReportMetric((spent(b) - served).Seconds(), "server-s")
		b.ReportMetric(n/1e6, "MB")
		b.ReportMetric(n/1e6/took.Seconds(), "MB/s")
		b.ReportMetric(float64(h.Requests.Load()-requests), "requests")
		b.ReportMetric(float64(h.Resolves.Load()-resolves), "resolves")
	}
	return peak
}

// spent is the processor time of this process, which is the server.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// resident is the peak memory of a running process in bytes.
func resident(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // none once it has ended
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	if !ok {
		return 0
	}
	kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kib << 10
}
