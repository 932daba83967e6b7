package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

func TestFailedCheckLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	j := new(source).job(t, dir)
	j.Check = func(_ context.Context, target Target, unfinished []string) error {
		if _, err := gguf.OpenParts(unfinished); err != nil {
			t.Error(err)
		}
		return fault.Check("%s: it is wrong", target.Path)
	}
	if err := j.Run(context.Background()); !errors.Is(err, fault.ErrCheck) {
		t.Fatalf("error %v", err)
	}
	same(t, nil, contents(t, dir))
}

func TestFailedCheckDropsOneTargetWhereTheOthersGoOn(t *testing.T) {
	dir := t.TempDir()
	j := new(source).job(t, dir)
	j.Check = func(_ context.Context, target Target, _ []string) error {
		if strings.HasSuffix(target.Path, "Q8_0.gguf") {
			return fault.Check("it is wrong")
		}
		return nil
	}
	var failed, named []string
	j.Failed = func(t Target, _ error) { failed = append(failed, filepath.Base(t.Path)) }
	j.Named = func(_ context.Context, t Target) error {
		named = append(named, filepath.Base(t.Path))
		return nil
	}
	if err := j.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := wanted(t)
	delete(want, "Q8_0.gguf")
	same(t, want, contents(t, dir))
	if len(failed) != 1 || failed[0] != "Q8_0.gguf" || len(named) != 1 || named[0] != "Q4_0.gguf" {
		t.Errorf("failed %v, named %v", failed, named)
	}
}

func TestChangedInputEndsTheRun(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"size": func(path string) error { return os.WriteFile(path, []byte("longer than before"), 0o666) },
		"time": func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)) },
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+"2", []byte("shard"), 0o666), os.Rename(path+"2", path))
		},
		"gone": os.Remove,
	} {
		dir, shard := t.TempDir(), filepath.Join(t.TempDir(), "shard")
		if err := os.WriteFile(shard, []byte("shard"), 0o666); err != nil {
			t.Fatal(err)
		}
		s := &source{fail: func(n int64) error {
			if n == 3 {
				return change(shard)
			}
			return nil
		}}
		j := s.job(t, dir)
		j.Inputs = []string{shard}
		if err := j.Run(context.Background()); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), shard) {
			t.Errorf("%s: error %v", name, err)
		}
		same(t, nil, contents(t, dir))
	}
}

func TestChangedInputIsSeenDuringALongRun(t *testing.T) {
	defer func(usual time.Duration) { watchEvery = usual }(watchEvery)
	watchEvery = 5 * time.Millisecond
	shard := filepath.Join(t.TempDir(), "shard")
	if err := os.WriteFile(shard, []byte("shard"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := &source{fail: func(n int64) error {
		if n == 1 {
			return os.WriteFile(shard, []byte("other content"), 0o666)
		}
		time.Sleep(20 * watchEvery)
		return nil
	}}
	dir := t.TempDir()
	j := s.job(t, dir)
	j.Workers, j.Inputs = 1, []string{shard}
	if err := j.Run(context.Background()); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
	same(t, nil, contents(t, dir))
	if n := s.reads.Load(); n > 4 {
		t.Errorf("%d chunks were read after the change", n)
	}
}

func TestShortSourceIsCorrupt(t *testing.T) {
	dir := t.TempDir()
	s := &source{fail: func(n int64) error {
		if n == 4 {
			return fault.Corrupt("shard: the file was shortened while it was read")
		}
		return nil
	}}
	if err := s.job(t, dir).Run(context.Background()); !errors.Is(err, fault.ErrCorrupt) {
		t.Fatalf("error %v", err)
	}
	same(t, nil, contents(t, dir))
}

func TestFullDiskIsKnownBeforeTheWork(t *testing.T) {
	dir := t.TempDir()
	if free, _, err := atomicfile.Space(filepath.Join(dir, "x")); err != nil || free > 1<<60 {
		t.Skip("this system does not tell its free space")
	}
	info := gguf.TensorInfo{Name: "token_embd.weight", Type: gguf.TypeF32, Shape: []int64{1 << 20, 1 << 38}}
	plan, err := quantize.Keep("F32", gguf.KVs{{Key: "general.architecture", Value: "llama"}}, []gguf.TensorInfo{info})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "out.gguf")
	j := &Job{Sources: []gguf.Stream{{TensorInfo: info}}, Targets: []Target{{Path: path, Plan: plan}}}
	if err := j.Run(context.Background()); !errors.Is(err, fault.ErrIO) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	same(t, nil, contents(t, dir))
}

func TestRefusesTwoOutputsOfOneName(t *testing.T) {
	j := new(source).job(t, t.TempDir())
	j.Targets[1].Path = j.Targets[0].Path
	if err := j.Run(context.Background()); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}
