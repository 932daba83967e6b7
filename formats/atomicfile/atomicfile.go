package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/formats/fault"
)

// Options say what Create may do.
type Options struct {
	Force  bool     // replace an existing file
	Inputs []string // files that are read meanwhile: none may be the output
	Stale  Stale    // what to do with the temporary file of a run that was stopped
}

// Stale says what Create does about a temporary file that a run that was
// stopped has left.
type Stale uint8

// The ways to treat what is left.
const (
	Drop   Stale = iota // remove it and begin anew
	Refuse              // fail, and name it
	Resume              // take it over with what it holds
)

// File is an output that does not have its name yet. WriteAt may be called
// from several goroutines at once.
type File struct {
	path, temp string
	f          *os.File
	options    Options
	resumed    bool
	done       bool
	behind     behind
}

// Create starts a file that will be known as path. It refuses an output that
// exists, unless forced, one that is an input, whatever the path or link that
// leads to it, and one that another process writes at this moment.
func Create(path string, opts Options) (*File, error) {
	if err := Check(path, opts); err != nil {
		return nil, err
	}
	f := &File{path: path, temp: TempPath(path), options: opts}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// TempPath returns the temporary name of a file to be.
func TempPath(path string) string {
	dir, base := filepath.Split(path)
	return dir + "." + base + ".mq-tmp"
}

// Check makes the tests of Create and creates nothing, so that a bad output
// is known before the work begins.
func Check(path string, opts Options) error {
	if dir, base := filepath.Split(path); base == "" || base == "." || base == ".." {
		return fault.Op("atomicfile").Invalid("%q: this is not a file name", path)
	} else if path == "-" {
		return fault.Op("atomicfile").Invalid("-: the output cannot be a pipe, for it is checked before it gets its name; give a file name (./- for one called -)")
	} else if info, err := os.Stat(filepath.Clean(dir + ".")); err != nil || !info.IsDir() {
		return noFolder(path, filepath.Clean(dir+"."))
	}
	if _, err := os.Lstat(TempPath(path)); err == nil && opts.Stale == Refuse {
		return leftover(path)
	}
	link, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Op("atomicfile").IO("%w", err)
	}
	if info, err := os.Stat(path); err == nil {
		for _, in := range opts.Inputs {
			if input, err := os.Stat(in); err == nil && os.SameFile(info, input) {
				return fault.Op("atomicfile").File(path).Invalid("the output is the same file as the input %s", in)
			}
		}
		if !info.Mode().IsRegular() {
			return fault.Op("atomicfile").File(path).Invalid("the output exists and is not a regular file")
		}
	} else if link.Mode()&fs.ModeSymlink == 0 {
		return fault.Op("atomicfile").IO("%w", err)
	}
	if !opts.Force {
		return fault.Op("atomicfile").File(path).Invalid("%w", ErrExists)
	}
	return nil
}

// noFolder is the error for an output in a folder that does not exist.
func noFolder(path, dir string) error {
	return fault.Op("atomicfile").File(path).Invalid("there is no folder %s", dir)
}

// ErrExists marks the errors about an output that is there already.
var ErrExists = errors.New("the output exists already")

// ErrUnfinished marks the errors about what a run that was stopped has left.
var ErrUnfinished = errors.New("an earlier run has left it unfinished")

// leftover is the error for an output that a stopped run has not finished.
func leftover(path string) error {
	return fault.Op("atomicfile").File(path).Invalid("%w as %s", ErrUnfinished, TempPath(path))
}

// open creates the temporary file, or takes over one that no process holds.
func (f *File) open() error {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	file, err := os.OpenFile(f.temp, flags, 0o666)
	if errors.Is(err, fs.ErrExist) {
		if err := f.checkStale(); err != nil {
			return err
		}
		if f.resumed = f.options.Stale == Resume; f.resumed {
			file, err = os.OpenFile(f.temp, os.O_RDWR, 0)
		} else {
			if err := os.Remove(f.temp); err != nil {
				return f.wrap("create", err)
			}
			file, err = os.OpenFile(f.temp, flags, 0o666)
		}
	}
	if err != nil {
		return f.wrap("create", err)
	}
	if f.f = file; lock(file) != nil || !f.holdsName() {
		file.Close()
		return f.busy()
	}
	return nil
}

// checkStale refuses a temporary file that is held or may not be touched.
func (f *File) checkStale() error {
	info, err := os.Lstat(f.temp)
	if err != nil {
		return f.wrap("create", err)
	}
	if !info.Mode().IsRegular() {
		return fault.Op("atomicfile").File(f.path).Invalid("the temporary name %s is taken", f.temp)
	}
	stale, err := os.Open(f.temp)
	if err != nil {
		return f.wrap("create", err)
	}
	held := lock(stale) != nil
	stale.Close()
	switch {
	case held:
		return f.busy()
	case f.options.Stale == Refuse:
		return leftover(f.path)
	}
	return nil
}

// holdsName tells whether the temporary name still leads to the open file.
func (f *File) holdsName() bool {
	mine, err1 := f.f.Stat()
	named, err2 := os.Lstat(f.temp)
	return err1 == nil && err2 == nil && os.SameFile(mine, named)
}

func (f *File) busy() error {
	return fault.Op("atomicfile").File(f.path).Invalid("another process is writing this file")
}

// Path returns the final name.
func (f *File) Path() string { return f.path }

// Resumed tells whether the temporary file of an earlier run was taken over.
func (f *File) Resumed() bool { return f.resumed }

// TempPath returns the temporary name.
func (f *File) TempPath() string { return f.temp }

// Write appends at the current position.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	return n, f.wrap("write", err)
}

// WriteAt writes at an offset.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.f.WriteAt(p, off)
	return n, f.wrap("write", err)
}

// ReadAt reads back what was written. It returns io.EOF as it is.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.f.ReadAt(p, off) }

// Size returns the size so far.
func (f *File) Size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, f.wrap("stat", err)
	}
	return info.Size(), nil
}

// Preallocate gives the file its size. Where the system can, it takes the
// space too, so that a full disk is known now and not after hours.
func (f *File) Preallocate(size int64) error {
	err := reserve(f.f, size)
	if now, failed := f.Size(); errors.Is(err, errors.ErrUnsupported) || err == nil && failed == nil && now > size {
		err = f.f.Truncate(size)
	}
	return f.wrap("reserve space", err)
}

// Sync brings what was written to disk.
func (f *File) Sync() error {
	return f.wrap("sync", errors.Join(f.behind.failure(), f.f.Sync()))
}

// Keep closes the file and leaves it under its temporary name, for a later
// run to take over.
func (f *File) Keep() error {
	if f.done {
		return nil
	}
	f.done = true
	return f.wrap("close", f.f.Close())
}

// Commit brings the file to disk and gives it its name. After a failure
// nothing is left under the temporary name.
func (f *File) Commit() error {
	if f.done {
		return fault.Op("atomicfile").File(f.path).Invalid("the file is finished already")
	}
	if err := f.Sync(); err != nil {
		f.Abort()
		return err
	}
	if err := f.publish(); err != nil {
		f.Abort()
		return err
	}
	f.done = true
	f.f.Close() // all is on disk
	return f.wrap("sync the folder of", syncDir(filepath.Dir(f.path)))
}

// Abort drops the file. After Commit or a second time it does nothing, so
// that it can be deferred.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	if closeBeforeRename {
		f.f.Close()
		os.Remove(f.temp)
		return
	}
	if f.holdsName() {
		os.Remove(f.temp)
	}
	f.f.Close()
}

// publish gives the file its name. Where the system lets an open file be
// renamed, the lock is held meanwhile.
func (f *File) publish() error {
	if closeBeforeRename {
		if err := f.f.Close(); err != nil {
			return f.wrap("close", err)
		}
	}
	if f.options.Force {
		return f.wrap("rename", os.Rename(f.temp, f.path))
	}
	// A hard link fails where the name exists, which a rename does not.
	switch err := os.Link(f.temp, f.path); {
	case err == nil:
		return f.wrap("remove the temporary name of", os.Remove(f.temp))
	case errors.Is(err, fs.ErrExist):
		return fault.Op("atomicfile").File(f.path).Invalid("%w", ErrExists)
	}
	if _, err := os.Lstat(f.path); err == nil {
		return fault.Op("atomicfile").File(f.path).Invalid("%w", ErrExists)
	}
	return f.wrap("rename", os.Rename(f.temp, f.path))
}

// wrap makes an error of the device one that names the final path.
func (f *File) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fault.Op("atomicfile").File(f.path).IO("cannot %s the file: %w", verb, err)
}

// WriteFile writes a small file at once.
func WriteFile(path string, data []byte, opts Options) error {
	f, err := Create(path, opts)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}
