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
	lost       bool // a sync has failed: what the disk has is unknown
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

// TempPath returns the temporary name that a file has until Commit.
func TempPath(path string) string {
	dir, base := filepath.Split(path)
	return dir + "." + base + ".mq-tmp"
}

// Path returns the final name.
func (f *File) Path() string { return f.path }

// Resumed reports whether the temporary file of an earlier run was taken over.
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

// wrap makes an error of the device one that names the final path.
func (f *File) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fault.File(f.path).IO("cannot %s the file: %w", verb, bare(err))
}

// bare is what the system says, without the temporary name.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
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
