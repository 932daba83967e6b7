//go:build !unix

package atomicfile

import (
	"io/fs"
	"os"
)

const closeBeforeRename = true

// syncDir does nothing: the system keeps its folders in order itself.
func syncDir(string) error { return nil }

// openNoFollow opens a file that is not a link.
func openNoFollow(name string, flag int) (*os.File, error) {
	before, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, notOurs("it is a link or a folder")
	}
	f, err := os.OpenFile(name, flag, 0)
	if err != nil {
		return nil, err
	}
	if after, err := f.Stat(); err != nil || !os.SameFile(before, after) {
		f.Close()
		return nil, notOurs("it was replaced meanwhile")
	}
	return f, nil
}

// ownership is not known here.
func ownership(fs.FileInfo) (owner, links int, ok bool) { return 0, 0, false }
