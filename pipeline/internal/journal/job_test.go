package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// source is a model in memory whose reads can fail.
type source struct {
	reads atomic.Int64
	fail  func(read int64) error
}

const rows, columns = 3000, 256

func (s *source) streams() []gguf.Stream {
	var list []gguf.Stream
	for _, name := range []string{"token_embd.weight", "blk.0.ffn_up.weight", "blk.0.attn_norm.weight"} {
		info := gguf.TensorInfo{Name: name, Type: gguf.TypeBF16, Shape: []int64{columns, rows}}
		list = append(list, gguf.Stream{TensorInfo: info, ReadRows: func(ctx context.Context, dst []byte, first int64) error {
			if n := s.reads.Add(1); s.fail != nil {
				if err := s.fail(n); err != nil {
					return err
				}
			}
			for i := range dst {
				dst[i] = 0x3d
				if i%2 == 0 {
					dst[i] = byte(int64(i)/512 + first*7 + int64(i*i/64))
				}
			}
			return nil
		}})
	}
	return list
}

// job writes a Q8_0 and a Q4_0 file into a folder.
func (s *source) job(t *testing.T, dir string) *Job {
	t.Helper()
	j := &Job{Sources: s.streams(), Version: "v1", Source: "s", Workers: 2, Memory: 1 << 20, Records: dir + "-records"}
	infos := make([]gguf.TensorInfo, len(j.Sources))
	for i, stream := range j.Sources {
		infos[i] = stream.TensorInfo
	}
	kvs := gguf.KVs{{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: uint32(1)}}
	for _, name := range []string{"Q8_0", "Q4_0"} {
		recipe, err := quantize.ParseRecipe(name)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := quantize.NewPlan(kvs, infos, quantize.Options{Recipe: recipe})
		if err != nil {
			t.Fatal(err)
		}
		j.Targets = append(j.Targets, Target{Path: filepath.Join(dir, name+".gguf"), Plan: plan})
	}
	return j
}

// wanted writes the outputs without disturbance.
func wanted(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := new(source).job(t, dir).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return contents(t, dir)
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(b)
	}
	return files
}

// same demands exactly the wanted files.
func same(t *testing.T, want, got map[string]string) {
	t.Helper()
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("the folder has a file %s", name)
		}
	}
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s: %d bytes differ from the %d wanted", name, len(got[name]), len(content))
		}
	}
}

// unnamed demands that no output has its name.
func unnamed(t *testing.T, dir string) {
	t.Helper()
	for name := range contents(t, dir) {
		if strings.HasSuffix(name, ".gguf") {
			t.Errorf("%s has its name", name)
		}
	}
}

func TestResumesAfterAReadErrorAtAnyPlace(t *testing.T) {
	want := wanted(t)
	for at := int64(1); ; at++ {
		dir := t.TempDir()
		s := &source{fail: func(n int64) error {
			if n >= at {
				return fault.IO("shard: tensor: the device failed")
			}
			return nil
		}}
		err := s.job(t, dir).Run(context.Background())
		if err == nil {
			if at < 4 {
				t.Fatalf("only %d reads", at)
			}
			return
		}
		var unfinished *Unfinished
		if !errors.As(err, &unfinished) || !errors.Is(err, fault.ErrIO) || !strings.Contains(err.Error(), "is kept") {
			t.Fatalf("read %d: error %v", at, err)
		}
		unnamed(t, dir)
		again := new(source)
		j := again.job(t, dir)
		j.Resume = true
		if err := j.Run(context.Background()); err != nil {
			t.Fatalf("read %d: resumed: %v", at, err)
		}
		same(t, want, contents(t, dir))
	}
}

func TestResumeDoesNotRepeatWhatIsFinished(t *testing.T) {
	whole := new(source)
	if err := whole.job(t, t.TempDir()).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	j := new(source).job(t, dir)
	ctx, cancel := context.WithCancel(context.Background())
	j.Check = func(context.Context, Target, []string) error { cancel(); return ctx.Err() } // all is written
	var unfinished *Unfinished
	if err := j.Run(ctx); !errors.As(err, &unfinished) || !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	again := new(source)
	j = again.job(t, dir)
	j.Resume = true
	if err := j.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := again.reads.Load(); n != 0 {
		t.Errorf("%d of %d chunks were read again", n, whole.reads.Load())
	}
	same(t, wanted(t), contents(t, dir))
}

// stopped leaves a run that has finished some ranges.
func stopped(t *testing.T, dir string) {
	t.Helper()
	s := &source{fail: func(n int64) error {
		if n > 4 {
			return fault.IO("stop")
		}
		return nil
	}}
	if err := s.job(t, dir).Run(context.Background()); err == nil {
		t.Fatal("the run was not stopped")
	}
}

func TestResumeWritesDamagedRangesAgain(t *testing.T) {
	dir := t.TempDir()
	stopped(t, dir)
	temp := atomicfile.TempPath(filepath.Join(dir, "Q8_0.gguf"))
	f, err := os.OpenFile(temp, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for off := int64(10); off < 2<<20; off += 100_000 {
		if _, err := f.WriteAt([]byte{0xee, 0xee}, off); err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	j := new(source).job(t, dir)
	j.Resume = true
	if err := j.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	same(t, wanted(t), contents(t, dir))
}

func TestLeftoversAreReportedAndNeverReused(t *testing.T) {
	dir := t.TempDir()
	stopped(t, dir)
	before := contents(t, dir)
	err := new(source).job(t, dir).Run(context.Background())
	if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), ".Q8_0.gguf.mq-tmp") || !errors.Is(err, atomicfile.ErrUnfinished) || errors.Is(err, atomicfile.ErrExists) {
		t.Fatalf("error %v", err)
	}
	same(t, before, contents(t, dir))

	whole := new(source)
	j := whole.job(t, dir)
	j.Force = true
	if err := j.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if whole.reads.Load() < 5 {
		t.Error("a forced run went on with what was left")
	}
	same(t, wanted(t), contents(t, dir))
}

func TestResumeRefusesAnotherIdentity(t *testing.T) {
	for what, change := range map[string]func(*Job){
		"mq was":  func(j *Job) { j.Version = "v2" },
		"input":   func(j *Job) { j.Source = "other" },
		"options": func(j *Job) { j.Targets[1].Plan = j.Targets[0].Plan },
	} {
		dir := t.TempDir()
		stopped(t, dir)
		before := contents(t, dir)
		j := new(source).job(t, dir)
		j.Resume = true
		change(j)
		if err := j.Run(context.Background()); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: error %v", what, err)
		}
		same(t, before, contents(t, dir))
	}
}

func TestResumeBeginsWhereThereIsNothing(t *testing.T) {
	dir := t.TempDir()
	j := new(source).job(t, dir)
	j.Resume = true
	if err := j.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	same(t, wanted(t), contents(t, dir))

	again := new(source)
	j = again.job(t, dir)
	j.Resume = true
	if err := j.Run(context.Background()); err != nil || again.reads.Load() != 0 {
		t.Errorf("complete outputs: error %v, %d reads", err, again.reads.Load())
	}
	again = new(source)
	if err := again.job(t, dir).Run(context.Background()); !errors.Is(err, fault.ErrInvalid) || !errors.Is(err, atomicfile.ErrExists) {
		t.Errorf("outputs that exist: error %v", err)
	}
}

// TestResumesBetweenTwoNames stops a run where one output has its name and
// the other has not.
func TestResumesBetweenTwoNames(t *testing.T) {
	want := wanted(t)
	for _, both := range []bool{false, true} { // the first file's temporary name is left
		dir := t.TempDir()
		j := new(source).job(t, dir)
		ctx, cancel := context.WithCancel(context.Background())
		j.Check = func(context.Context, Target, []string) error { cancel(); return ctx.Err() }
		if err := j.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		journal, _, _, err := readLog(journalPath(filepath.Join(dir, "Q8_0.gguf")))
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.named(0); err != nil {
			t.Fatal(err)
		}
		journal.keep()
		final := filepath.Join(dir, "Q8_0.gguf")
		move := os.Rename
		if both {
			move = os.Link
		}
		if err := move(atomicfile.TempPath(final), final); err != nil {
			t.Fatal(err)
		}
		j = new(source).job(t, dir)
		j.Resume = true
		j.Check = func(_ context.Context, target Target, _ []string) error {
			if strings.HasSuffix(target.Path, "Q8_0.gguf") {
				t.Error("a file that has its name was checked again")
			}
			return nil
		}
		if err := j.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		same(t, want, contents(t, dir))
	}
}
