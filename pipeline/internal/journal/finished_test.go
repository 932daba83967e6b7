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
)

// finished makes the outputs of a job that has an input, and returns both.
func finished(t *testing.T) (dir, input string) {
	t.Helper()
	dir, input = t.TempDir(), filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(input, []byte("weights"), 0o666); err != nil {
		t.Fatal(err)
	}
	j := new(source).job(t, dir)
	j.Inputs = []string{input}
	if err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir, input
}

// again resumes what is finished, and returns how much was read for it.
func again(t *testing.T, dir, input string, change func(*source, *Job)) (reads int64, err error) {
	t.Helper()
	s := new(source)
	j := s.job(t, dir)
	j.Resume, j.Inputs = true, []string{input}
	if change != nil {
		change(s, j)
	}
	if err := j.Preflight(); err != nil {
		t.Fatal(err)
	}
	err = j.Run(t.Context())
	return s.reads.Load(), err
}

// TestAFinishedOutputIsReadBeforeItIsTakenForDone: a flipped byte is found
// wherever it is, although size, header and time are the same.
func TestAFinishedOutputIsReadBeforeItIsTakenForDone(t *testing.T) {
	dir, input := finished(t)
	if reads, err := again(t, dir, input, nil); err != nil || reads != 0 {
		t.Fatalf("untouched: %v, %d reads", err, reads)
	}
	path := filepath.Join(dir, "Q4_0.gguf")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	header := len(new(source).job(t, dir).Targets[1].Plan.Files[0].HeaderBytes())
	for _, at := range []int{header, header + 1000, len(whole) / 2, len(whole) - 1} {
		for _, records := range []bool{true, false} {
			b := append([]byte(nil), whole...)
			b[at] ^= 1
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
			_, err := again(t, dir, input, func(_ *source, j *Job) {
				if !records {
					j.Records = ""
				}
			})
			want := error(fault.ErrCorrupt)
			if !records {
				want = fault.ErrInvalid
			}
			if !errors.Is(err, want) || !errors.Is(err, atomicfile.ErrExists) || !strings.Contains(err.Error(), "Q4_0.gguf") {
				t.Errorf("byte %d, records %v: %v", at, records, err)
			}
			if got, _ := os.ReadFile(path); string(got) != string(b) {
				t.Errorf("byte %d: the output was written to", at)
			}
		}
	}
}

// TestOutputsOfOtherInputsAreNotTakenForDone, however old the inputs claim to
// be; those that would come out the same are.
func TestOutputsOfOtherInputsAreNotTakenForDone(t *testing.T) {
	dir, input := finished(t)
	old := func() error {
		return errors.Join(os.WriteFile(input, []byte("WEIGHTS"), 0o666), os.Chtimes(input, time.Time{}, time.Unix(1, 0)))
	}
	if err := old(); err != nil {
		t.Fatal(err)
	}
	if reads, err := again(t, dir, input, nil); err != nil || reads == 0 {
		t.Errorf("another input that gives the same: %v, %d reads", err, reads)
	}
	if reads, err := again(t, dir, input, nil); err != nil || reads != 0 {
		t.Errorf("the comparison left no record: %v, %d reads", err, reads)
	}
	if err := os.Chtimes(input, time.Time{}, time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	_, err := again(t, dir, input, func(s *source, j *Job) {
		read := j.Sources[1].ReadRows
		j.Sources[1].ReadRows = func(ctx context.Context, dst []byte, first int64) error {
			err := read(ctx, dst, first)
			dst[len(dst)-2] ^= 0xff
			return err
		}
	})
	if !errors.Is(err, fault.ErrInvalid) || !errors.Is(err, atomicfile.ErrExists) || !strings.Contains(err.Error(), "not what this source and these options give") {
		t.Errorf("another input that gives other bytes: %v", err)
	}
}

func TestRecordsOfOtherVersionsAndOptionsDoNotCount(t *testing.T) {
	for name, change := range map[string]func(*source, *Job){
		"version": func(_ *source, j *Job) { j.Version = "v2" },
		"source":  func(_ *source, j *Job) { j.Source = "other" },
		"none":    func(_ *source, j *Job) { j.Records = "" },
		"damaged": func(_ *source, j *Job) {
			entries, _ := os.ReadDir(j.Records)
			for _, e := range entries {
				_ = os.Truncate(filepath.Join(j.Records, e.Name()), 10)
			}
		},
	} {
		dir, input := finished(t)
		if reads, err := again(t, dir, input, change); err != nil || reads == 0 {
			t.Errorf("%s: %v, %d reads", name, err, reads)
		}
	}
}

// A broken is an output whose disk fails at one step.
type broken struct {
	*atomicfile.File
	sync, commit func(*atomicfile.File) error
}

func (b *broken) Sync() error {
	if b.sync != nil {
		return b.sync(b.File)
	}
	return b.File.Sync()
}

func (b *broken) Commit() error {
	if b.commit != nil {
		return b.commit(b.File)
	}
	return b.File.Commit()
}

// TestResumeWorksAfterEveryFailureOfTheDisk: what the error says is on disk is
// there, and the next run ends with the outputs whole.
func TestResumeWorksAfterEveryFailureOfTheDisk(t *testing.T) {
	want := wanted(t)
	eio := func(kind error) error { return fault.IO("%w: input/output error", kind) }
	for name, c := range map[string]struct {
		sync, commit func(*atomicfile.File) error
		left         string // names after the failure, that of the journal apart
		kept         bool   // the run can be resumed
	}{
		"the sync of a file": {sync: func(*atomicfile.File) error { return eio(atomicfile.ErrLost) }, left: "", kept: false},
		"the name of a file": {commit: func(f *atomicfile.File) error { return errors.Join(f.Sync(), fault.IO("cannot rename the file")) },
			left: ".Q4_0.gguf.mq-tmp .Q8_0.gguf.mq-tmp", kept: true},
		"the folder's sync": {commit: func(f *atomicfile.File) error { return errors.Join(f.Commit(), eio(atomicfile.ErrNamed)) },
			left: ".Q4_0.gguf.mq-tmp Q8_0.gguf", kept: true},
		"the removal of the temporary name": {commit: func(f *atomicfile.File) error {
			return errors.Join(f.Sync(), os.Link(f.TempPath(), f.Path()), f.Keep(), eio(atomicfile.ErrNamed))
		}, left: ".Q4_0.gguf.mq-tmp .Q8_0.gguf.mq-tmp Q8_0.gguf", kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			whole := createFile
			createFile = func(path string, o atomicfile.Options) (file, error) {
				f, err := atomicfile.Create(path, o)
				if err != nil || !strings.HasSuffix(path, "Q8_0.gguf") {
					return f, err
				}
				return &broken{f, c.sync, c.commit}, nil
			}
			defer func() { createFile = whole }()
			err := new(source).job(t, dir).Run(t.Context())
			var unfinished *Unfinished
			if !errors.Is(err, fault.ErrIO) || errors.As(err, &unfinished) != c.kept {
				t.Fatalf("error %v", err)
			}
			var left []string
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				if journal := strings.HasSuffix(e.Name(), "mq-journal"); !journal {
					left = append(left, e.Name())
				} else if !c.kept {
					t.Error("the journal is kept")
				}
			}
			if got := strings.Join(left, " "); got != c.left {
				t.Errorf("on disk: %s, want %s", got, c.left)
			}
			createFile = whole
			j := new(source).job(t, dir)
			j.Resume = true
			if err := j.Run(t.Context()); err != nil {
				t.Fatalf("resumed: %v", err)
			}
			same(t, want, contents(t, dir))
		})
	}
}
