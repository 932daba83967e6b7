package atomicfile

import (
	"errors"
	"io/fs"
	"os"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/filelock"
)

// open creates the temporary file, or takes over one that no process holds.
func (f *File) open() error {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	file, err := host.open(f.temp, flags, 0o666)
	if errors.Is(err, fs.ErrExist) {
		if err := f.checkStale(); err != nil {
			return err
		}
		if f.resumed = f.options.Stale == Resume; f.resumed {
			file, err = OpenOwn(f.temp, os.O_RDWR)
		} else {
			if err := host.remove(f.temp); err != nil {
				return f.wrap("create", err)
			}
			file, err = host.open(f.temp, flags, 0o666)
		}
	}
	if errors.Is(err, ErrForeign) {
		return f.taken(err)
	} else if err != nil {
		return f.wrap("create", err)
	}
	if f.f = file; filelock.Try(file) != nil || !f.holdsName() {
		file.Close()
		return f.busy()
	}
	return nil
}

// checkStale refuses a temporary file that is held or may not be touched.
func (f *File) checkStale() error {
	stale, err := OpenOwn(f.temp, os.O_RDONLY)
	if errors.Is(err, ErrForeign) {
		return f.taken(err)
	} else if err != nil {
		return f.wrap("create", err)
	}
	held := filelock.Try(stale) != nil
	stale.Close()
	switch {
	case held:
		return f.busy()
	case f.options.Stale == Refuse:
		return leftover(f.path)
	}
	return nil
}

// taken is the error of a temporary name under which something lies that no
// run of ours can have left.
func (f *File) taken(err error) error {
	return fault.File(f.path).Invalid("the temporary name %s is taken: %w", f.temp, err)
}

// holdsName reports whether the temporary name still leads to the open file.
func (f *File) holdsName() bool {
	mine, err1 := f.f.Stat()
	named, err2 := os.Lstat(f.temp)
	return err1 == nil && err2 == nil && os.SameFile(mine, named)
}

func (f *File) busy() error {
	return fault.File(f.path).Invalid("another process is writing this file")
}
