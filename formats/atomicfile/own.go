package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrForeign marks the error of a file that no run of this user can have left.
var ErrForeign = errors.New("it is not a file of ours")

// OpenOwn opens a file that an earlier run may have left, to read or write it:
// a regular file of this user with one name. It follows no link and does not
// wait for the other end of a pipe, whoever has put it there.
func OpenOwn(name string, flag int) (*os.File, error) {
	f, err := openNoFollow(name, flag)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = foreign(name, info, flag&(os.O_WRONLY|os.O_RDWR) != 0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// foreign says why a file is not one that a run of this user leaves. One that
// is to be written may have no other name, under which it would change.
func foreign(name string, info fs.FileInfo, written bool) error {
	if !info.Mode().IsRegular() {
		return notOurs("it is not a regular file")
	}
	owner, links, ok := ownership(info)
	switch {
	case !ok:
		return nil
	case written && links > 1:
		return notOurs("it has another name as well")
	case owner != os.Geteuid() && owner != ownerIn(filepath.Dir(name)):
		return notOurs("it belongs to another user")
	}
	return nil
}

// ownerIn returns who owns the files that this process makes in a folder:
// network file systems know its user by another name.
func ownerIn(dir string) int {
	f, err := os.CreateTemp(dir, ".mq-owner-")
	if err != nil {
		return -1
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return -1
	}
	owner, _, _ := ownership(info)
	return owner
}

// notOurs is an ErrForeign with a reason.
type notOurs string

func (e notOurs) Error() string        { return string(e) }
func (e notOurs) Is(target error) bool { return target == ErrForeign }
