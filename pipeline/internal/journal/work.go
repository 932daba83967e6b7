package journal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// work is a job with its files.
type work struct {
	*Job
	files []*output
	first []int // index in files of each target's first
	log   *log
	id    identity
	done  map[place]bool // ranges that an earlier run has finished
	sums  sums
}

// output is one file to write.
type output struct {
	path string
	plan *gguf.Plan
	file file // nil before open, and where the file has its name

	dropped bool // the check has refused it
}

// file is an *atomicfile.File.
type file interface {
	io.WriterAt
	io.ReaderAt
	Preallocate(size int64) error
	Release(off, n int64)
	Sync() error
	Commit() error
	Keep() error
	Abort()
	Resumed() bool
	TempPath() string
}

// createFile starts an output; tests let it fail.
var createFile = func(path string, o atomicfile.Options) (file, error) { return atomicfile.Create(path, o) }

// place is a range of a file.
type place struct {
	file   int
	off, n int64
}

func (j *Job) layout() (*work, error) {
	w := &work{Job: j, done: map[place]bool{}}
	for _, t := range j.Targets {
		w.first = append(w.first, len(w.files))
		for i, path := range t.Paths() {
			if slices.ContainsFunc(w.files, func(o *output) bool { return filepath.Clean(o.path) == filepath.Clean(path) }) {
				return nil, fault.File(path).Invalid("two outputs have this name")
			}
			w.files = append(w.files, &output{path: path, plan: t.Plan.Files[i]})
		}
	}
	if len(w.files) == 0 {
		return nil, fault.Invalid("there is nothing to write")
	}
	return w, nil
}

func (w *work) journalPath() string { return journalPath(w.files[0].path) }

// options are those of the files. A resumed run may find outputs of its own.
func (w *work) options() atomicfile.Options {
	o := atomicfile.Options{Force: w.Force, Inputs: w.Inputs, Stale: atomicfile.Refuse}
	switch {
	case w.Resume:
		o.Stale = atomicfile.Resume
	case w.Force:
		o.Stale = atomicfile.Drop
	}
	return o
}

// check tests the outputs without touching them.
func (w *work) check() error {
	_, err := os.Lstat(w.journalPath())
	left := err == nil
	if left {
		if err := ownJournal(w.journalPath()); err != nil {
			return err
		}
	}
	for _, o := range w.files {
		options := w.options()
		if left && w.Resume {
			options.Force = true // decided when the journal is read
		}
		if err := atomicfile.Check(o.path, options); err != nil {
			return blocked(err, o.path)
		}
	}
	if left && !w.Resume && !w.Force {
		return blocked(fault.File(w.files[0].path).Invalid("%w, with the journal %s", atomicfile.ErrUnfinished, w.journalPath()), w.files[0].path)
	}
	return nil
}

// blocked sorts an error about an output that a stopped run has left: where
// the name itself is there too, the run cannot be resumed, only replaced.
func blocked(err error, path string) error {
	if !errors.Is(err, atomicfile.ErrUnfinished) {
		return err
	}
	if _, missing := os.Lstat(path); missing != nil {
		return err
	}
	return fault.Place{}.Kind(atomicfile.ErrExists).Of(err)
}

// complete reports whether an earlier run seems to have written all outputs:
// they have the size and the header that are planned, and no journal is left.
func (w *work) complete() (bool, error) {
	if _, err := os.Lstat(w.journalPath()); err == nil {
		return false, nil
	}
	for _, o := range w.files {
		info, _ := os.Stat(o.path)
		if info == nil || info.Size() != o.plan.TotalSize() || !info.Mode().IsRegular() {
			return false, nil
		}
		for _, in := range w.inputs {
			if os.SameFile(info, in.info) {
				return false, nil
			}
		}
		same, err := hasHeader(o.path, o.plan.HeaderBytes())
		if !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func hasHeader(path string, want []byte) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fault.File(path).IO("cannot look whether it is complete: %w", err)
	}
	defer f.Close()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(f, got); err != nil {
		return false, fault.File(path).IO("cannot look whether it is complete: %w", err)
	}
	return bytes.Equal(got, want), nil
}

// journalLine is about what a range takes in the journal.
const journalLine = 72

// checkSpace compares what is left to be written with what is free.
func (w *work) checkSpace() error {
	var paths []string
	var sizes []int64
	for _, o := range w.files {
		size := o.plan.TotalSize()
		left := size
		if w.Resume || w.Force {
			left = max(0, size-atomicfile.Allocated(o.path))
		}
		paths, sizes = append(paths, o.path), append(sizes, left+size>>20*journalLine)
	}
	return atomicfile.CheckSpace(paths, sizes)
}

// open creates the files and the journal, or takes over those of an earlier
// run.
func (w *work) open(ctx context.Context) error {
	id, err := w.identity()
	if err != nil {
		return err
	}
	w.id = id
	var records []record
	if w.Resume {
		var was identity
		if w.log, was, records, err = readLog(w.journalPath()); err != nil {
			return err
		}
		if w.log != nil {
			if why := id.differs(was); why != "" {
				w.log.keep()
				return fault.File(w.files[0].path).Invalid("%w: %s", ErrMismatch, why)
			}
		}
	}
	named := map[int]bool{}
	for _, r := range records {
		if r.file < len(w.files) && r.named {
			named[r.file] = true
		}
	}
	for i, o := range w.files {
		if err := w.openFile(o, named[i]); err != nil {
			w.undo()
			return err
		}
	}
	if w.log == nil {
		if w.log, err = createLog(w.journalPath(), id); err != nil {
			w.undo()
			return err
		}
		return nil
	}
	if err := w.verify(ctx, records); err != nil {
		w.keep()
		return &Unfinished{err}
	}
	return nil
}

// openFile opens one output, unless an earlier run has given it its name.
func (w *work) openFile(o *output, named bool) error {
	if named && w.hasName(o) {
		return nil
	}
	options := w.options()
	created, err := createFile(o.path, options)
	if err != nil {
		return blocked(err, o.path)
	}
	o.file = created
	return created.Preallocate(o.plan.TotalSize())
}

// hasName reports whether a file that was about to get its name has it. Where
// the old name is left beside the new one, it goes.
func (w *work) hasName(o *output) bool {
	info, err := os.Stat(o.path)
	if err != nil || info.Size() != o.plan.TotalSize() {
		return false
	}
	temp, err := os.Lstat(atomicfile.TempPath(o.path))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil || !os.SameFile(info, temp) {
		return false
	}
	return os.Remove(atomicfile.TempPath(o.path)) == nil
}

// isNamed reports whether an output has its name already.
func (w *work) isNamed(i int) bool { return w.files[i].file == nil }

// undo takes back what open did: files that an earlier run left stay.
func (w *work) undo() {
	for _, o := range w.files {
		switch {
		case o.file == nil:
		case o.file.Resumed() && w.log != nil:
			_ = o.file.Keep() // its ranges are checked before they are trusted
		default:
			o.file.Abort()
		}
	}
	if w.log != nil {
		w.log.keep()
	}
}

// abort drops all that is not named.
func (w *work) abort() {
	for _, o := range w.files {
		if o.file != nil {
			o.file.Abort()
		}
	}
	w.log.drop()
}

// keep leaves all for a later run.
func (w *work) keep() {
	for _, o := range w.files {
		if o.file != nil {
			_ = o.file.Keep() // its ranges are checked before they are trusted
		}
	}
	w.log.keep()
}

// outputs are the files as the pipeline sees them.
func (w *work) outputs() []quantize.Output {
	var list []quantize.Output
	for t, target := range w.Targets {
		out := quantize.Output{Plan: target.Plan}
		for i := range target.Plan.Files {
			out.Files = append(out.Files, io.WriterAt(w.files[w.first[t]+i].file))
		}
		list = append(list, out)
	}
	return list
}
