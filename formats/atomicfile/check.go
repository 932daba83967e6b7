package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/formats/fault"
)

// Check makes the tests of Create and creates nothing, so that a bad output
// is known before the work begins.
func Check(path string, opts Options) error {
	if _, base := filepath.Split(path); base == "" || base == "." || base == ".." {
		return fault.Invalid("%q: this is not a file name", path)
	} else if path == "-" {
		return fault.Invalid("-: the output cannot be a pipe, for it is checked before it gets its name; give a file name (./- for one called -)")
	} else if err := CheckFolder(path); err != nil {
		return err
	}
	if err := checkName(path); err != nil {
		return err
	}
	if _, err := os.Lstat(TempPath(path)); err == nil && opts.Stale == Refuse {
		return leftover(path)
	}
	link, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.IO("%w", err)
	}
	if info, err := os.Stat(path); err == nil {
		for _, in := range opts.Inputs {
			if input, err := os.Stat(in); err == nil && os.SameFile(info, input) {
				return fault.File(path).Invalid("the output is the same file as the input %s", in)
			}
		}
		if !info.Mode().IsRegular() {
			return fault.File(path).Invalid("the output exists and is not a regular file")
		}
	} else if link.Mode()&fs.ModeSymlink == 0 {
		return fault.IO("%w", err)
	}
	if !opts.Force {
		return fault.File(path).Invalid("%w", ErrExists)
	}
	return nil
}

// CheckFolder returns an error where the folder of an output is not there.
func CheckFolder(path string) error {
	dir, _ := filepath.Split(path)
	dir = filepath.Clean(dir + ".")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return noFolder(path, dir)
	}
	return nil
}

// ErrNoFolder marks the error of an output in a folder that does not exist.
var ErrNoFolder = errors.New("no folder")

// noFolder is the error for an output in a folder that does not exist.
func noFolder(path, dir string) error {
	return fault.File(path).Kind(ErrNoFolder).Invalid("there is no folder %s", dir)
}

// ErrExists marks the errors about an output that is there already.
var ErrExists = errors.New("the output exists already")

// ErrUnfinished marks the errors about what a run that was stopped has left.
var ErrUnfinished = errors.New("an earlier run has left it unfinished")

// leftover is the error for an output that a stopped run has not finished.
func leftover(path string) error {
	return fault.File(path).Invalid("%w as %s", ErrUnfinished, TempPath(path))
}
