package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/f190792d/mq/formats/fault"
)

// ErrLost marks the error of a failed sync. The system may count pages as
// written that never reached the disk, so that reading them back proves
// nothing: nothing that was written before can be trusted any more.
var ErrLost = errors.New("what was written is lost")

// ErrNamed marks the errors of a Commit that has given the file its name.
var ErrNamed = errors.New("the file is whole and has its name")

// Sync brings what was written to disk. After a failure the file can only be
// dropped, which Keep does as well.
func (f *File) Sync() error {
	if f.lost {
		return fault.File(f.path).IO("%w", ErrLost)
	}
	err := errors.Join(f.behind.failure(), host.sync(f.f))
	if err == nil {
		return nil
	}
	f.lost = true
	return fault.File(f.path).IO("cannot sync the file: %w; %w", bare(err), ErrLost)
}

// Keep closes the file and leaves it under its temporary name, for a later
// run to take over.
func (f *File) Keep() error {
	if f.lost {
		f.Abort()
	}
	if f.done {
		return nil
	}
	f.done = true
	return f.wrap("close", f.f.Close())
}

// Commit brings the file to disk and gives it its name. After an error that is
// ErrNamed it has it: the error says what was left undone. After one of the
// device that is neither that nor ErrLost the file is whole under its temporary
// name, for Keep or Abort; after any other nothing is left of it.
func (f *File) Commit() error {
	if f.done {
		return fault.File(f.path).Invalid("the file is finished already")
	}
	if err := f.Sync(); err != nil {
		f.Abort()
		return err
	}
	named, err := f.publish()
	if !named {
		if !errors.Is(err, fault.ErrIO) {
			f.Abort()
		}
		return err
	}
	f.done = true
	f.f.Close() // all is on disk
	return errors.Join(err, SyncName(f.path))
}

// SyncName brings the name of a finished file to disk. The error is ErrNamed.
func SyncName(path string) error {
	dir := filepath.Dir(path)
	if err := host.syncDir(dir); err != nil {
		return fault.File(path).IO("%w, but cannot sync the folder %s: %w; a loss of power may undo the name", ErrNamed, dir, bare(err))
	}
	return nil
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
		_ = host.remove(f.temp) // the next run removes it
		return
	}
	if f.holdsName() {
		_ = host.remove(f.temp) // the next run removes it
	}
	f.f.Close()
}

// publish gives the file its name and reports whether it has it. Where the
// system lets an open file be renamed, the lock is held meanwhile.
func (f *File) publish() (named bool, err error) {
	if closeBeforeRename {
		if err := f.f.Close(); err != nil {
			return false, f.wrap("close", err)
		}
	}
	if f.options.Force {
		return f.rename()
	}
	// A hard link fails where the name exists, which a rename does not.
	switch err := host.link(f.temp, f.path); {
	case err == nil:
		if err := host.remove(f.temp); err != nil {
			return true, fault.File(f.path).IO("%w, but cannot remove its temporary name %s: %w", ErrNamed, f.temp, bare(err))
		}
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, fault.File(f.path).Invalid("%w", ErrExists)
	}
	if _, err := os.Lstat(f.path); err == nil {
		return false, fault.File(f.path).Invalid("%w", ErrExists)
	}
	return f.rename() // a file system without links
}

func (f *File) rename() (named bool, err error) {
	err = host.rename(f.temp, f.path)
	return err == nil, f.wrap("rename", err)
}
