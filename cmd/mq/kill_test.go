//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNoRunEndsWithABrokenFile stops and starves conversions.
func TestNoRunEndsWithABrokenFile(t *testing.T) {
	mq, model := build(t)
	for name, test := range map[string]func(*testing.T, string, string){
		"KilledRunsResumeToTheSameBytes": killedRuns,
		"SignalsStopARunThatGoesOn":      signals,
		"ReplacedShardEndsTheRun":        replacedShard,
		"RunsStayBelowTheirPeak":         peakMemory,
		"FullDiskLeavesNoName":           fullDisk,
		"FullFileSystemLeavesNoName":     fullFileSystem,
	} {
		t.Run(name, func(t *testing.T) { test(t, mq, model) })
	}
}

// build makes the mq command and a checkpoint with experts, large enough for
// a conversion to take a while.
func build(t *testing.T) (mq, model string) {
	t.Helper()
	dir := t.TempDir()
	mq, model = filepath.Join(dir, "mq"), filepath.Join(dir, "moe8")
	stories, err := filepath.Abs("../../testdata/stories-llama")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"build", "-o", mq, "."},
		{"run", "../../internal/fixtures/randmodel", "-preset", "moe8", "-tokenizer", stories, "-o", model},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
	return mq, model
}

// conversion is the command that the tests stop.
func conversion(ctx context.Context, mq, model, dir string, more ...string) *exec.Cmd {
	args := append([]string{"convert", model, "-t", "q4_k_m,iq4_nl,q8_0", "-o", "out-{type}.gguf", "--split-max-size", "3M", "-q"}, more...)
	cmd := exec.CommandContext(ctx, mq, args...)
	cmd.Dir = dir
	return cmd
}

func exitStatusOf(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -2
	}
	return 0
}

// folder returns the files of a folder; hidden ones count as unfinished.
func folder(t *testing.T, dir string) (named map[string][]byte, hidden []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	named = map[string][]byte{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			hidden = append(hidden, e.Name())
			continue
		}
		if named[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return named, hidden
}

// killedRuns ends a conversion at random moments, several times in a row,
// until it comes through. $MQ_KILLS sets how many moments are tried.
func killedRuns(t *testing.T, mq, model string) {
	kills := 10
	if testing.Short() {
		kills = 2
	}
	if n, err := strconv.Atoi(os.Getenv("MQ_KILLS")); err == nil {
		kills = n
	}
	ctx := context.Background()
	whole := t.TempDir()
	begin := time.Now()
	if out, err := conversion(ctx, mq, model, whole).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	takes := time.Since(begin)
	want, hidden := folder(t, whole)
	if len(want) < 5 || len(hidden) > 0 {
		t.Fatalf("%d files are written, and %v", len(want), hidden)
	}

	stages := map[string]int{}
	for done := 0; done < kills; {
		dir := t.TempDir()
		for finished := false; !finished; {
			// Later attempts have less to do.
			after := time.Duration(rand.Int64N(int64(takes) * 5 / 4))
			if done >= kills {
				after = time.Hour
			}
			limited, cancel := context.WithTimeout(ctx, after) // ends it with SIGKILL
			out, err := conversion(limited, mq, model, dir, "--resume").CombinedOutput()
			killed := limited.Err() != nil
			cancel()
			switch finished = err == nil; {
			case killed && !finished:
				done++
			case !finished:
				t.Fatalf("not killed, and yet: %v\n%s", err, out)
			}
			got, hidden := folder(t, dir)
			for name, b := range got {
				if !bytes.Equal(b, want[name]) {
					t.Fatalf("%s has its name and %d bytes that differ from the %d wanted", name, len(b), len(want[name]))
				}
			}
			stages[fmt.Sprintf("%d named, %d unfinished", len(got), len(hidden))]++
			if finished && (len(got) != len(want) || len(hidden) > 0) {
				t.Fatalf("the run ended well with %d files of %d and %v", len(got), len(want), hidden)
			}
		}
	}
	t.Logf("a run takes %v; after %d kills the folder had: %v", takes.Round(time.Millisecond), kills, stages)
}

// signals sends what a terminal, and what a scheduler, sends.
func signals(t *testing.T, mq, model string) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		stopped := false
		for wait := 400 * time.Millisecond; !stopped && wait > time.Millisecond; wait = wait * 3 / 4 {
			dir := t.TempDir()
			cmd := conversion(context.Background(), mq, model, dir, "-j", "1")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(wait)
			sent := time.Now()
			cmd.Process.Signal(signal)
			code := exitStatusOf(cmd.Wait())
			if _, hidden := folder(t, dir); len(hidden) == 0 {
				continue // too early, or too late
			}
			stopped = true
			if took := time.Since(sent); took > time.Second {
				t.Errorf("%v: it took %v to stop", signal, took)
			}
			if code != 130 || !strings.Contains(stderr.String(), "--resume") || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("%v: exit code %d, %q", signal, code, stderr.String())
			}
			if out, err := conversion(context.Background(), mq, model, dir, "--resume").CombinedOutput(); err != nil {
				t.Errorf("%v: resumed: %v\n%s", signal, err, out)
			}
			if got, hidden := folder(t, dir); len(got) < 5 || len(hidden) > 0 {
				t.Errorf("%v: resumed to %d files and %v", signal, len(got), hidden)
			}
		}
		if !stopped {
			t.Errorf("%v: no run was stopped in its middle", signal)
		}
	}
}

// replacedShard writes to an input while it is read.
func replacedShard(t *testing.T, mq, model string) {
	source, dir := filepath.Join(t.TempDir(), "copy"), t.TempDir()
	if err := os.CopyFS(source, os.DirFS(model)); err != nil {
		t.Fatal(err)
	}
	cmd := conversion(context.Background(), mq, source, dir, "-j", "1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, hidden := folder(t, dir); len(hidden) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	const shard = "model-00002-of-00002.safetensors"
	if err := os.Chtimes(filepath.Join(source, shard), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	code := exitStatusOf(cmd.Wait())
	if code != 5 || !strings.Contains(stderr.String(), shard) || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if named, hidden := folder(t, dir); len(named)+len(hidden) > 0 {
		t.Errorf("the folder has %d files and %v", len(named), hidden)
	}
}

// peakMemory compares what the plan says with what the system counts.
func peakMemory(t *testing.T, mq, model string) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	var stdout bytes.Buffer
	cmd := exec.Command(mq, "convert", model, "-t", "q4_k_m,q8_0", "-o", "out-{type}.gguf", "--max-memory", "128MiB", "--json")
	cmd.Dir, cmd.Stdout = t.TempDir(), &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	resident := 0
	for running := true; running; {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
			if kib, err := strconv.Atoi(strings.Fields(rest)[0]); err == nil {
				resident = max(resident, kib<<10)
			}
		}
		select {
		case err := <-ended:
			if running = false; err != nil {
				t.Fatal(err)
			}
		case <-time.After(2 * time.Millisecond):
		}
	}
	for line := range strings.Lines(stdout.String()) {
		var event struct {
			Type   string
			Memory struct{ Peak, Budget int }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		if event.Type != "preflight" {
			continue
		}
		if m := event.Memory; resident == 0 || resident > m.Peak || m.Peak > m.Budget || m.Budget != 128<<20 {
			t.Errorf("%d bytes resident, the plan says %d of %d", resident, m.Peak, m.Budget)
		}
		return
	}
	t.Errorf("no plan in %s", stdout.String())
}

// fullDisk fills the space that a run has, by the limit on the size of files,
// which every user can set.
func fullDisk(t *testing.T, mq, model string) {
	dir := t.TempDir()
	// 4 MiB in blocks of 512 bytes; the signal that comes with it is ignored
	// so that writing fails with EFBIG.
	script := fmt.Sprintf(`trap "" XFSZ; ulimit -f 8192; exec %q convert %q -t q8_0 -o out.gguf --no-verify -q`, mq, model)
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if code := exitStatusOf(err); code != 6 || !strings.Contains(string(out), "out.gguf") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if named, hidden := folder(t, dir); len(named)+len(hidden) > 0 {
		t.Errorf("the folder has %d files and %v", len(named), hidden)
	}
}

// fullFileSystem runs onto a small file system, where this user may mount one.
func fullFileSystem(t *testing.T, mq, model string) {
	dir := t.TempDir()
	// A mount of its own: nothing is left when the shell has ended.
	script := `mount -t tmpfs -o size=4m none "$1" && cd "$1" && shift && "$@"; code=$?; ls -A; exit $code`
	cmd := exec.Command("unshare", "--mount", "--map-root-user", "--user", "sh", "-c", script, "sh", dir,
		mq, "convert", model, "-t", "q8_0", "-o", "out.gguf", "--no-verify", "-q")
	out, err := cmd.CombinedOutput()
	if slices.ContainsFunc([]string{"unshare", "mount"}, func(s string) bool { return strings.Contains(string(out), s+":") }) || errors.Is(err, exec.ErrNotFound) {
		t.Logf("no file system can be mounted here: %s", out)
		return
	}
	if code := exitStatusOf(err); code != 6 || !strings.Contains(string(out), "mq: out.gguf: no space") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("exit code %d: %s", code, out)
	}
}
