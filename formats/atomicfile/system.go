package atomicfile

import "os"

// system is what the promises about power loss rest on; tests make it fail.
type system struct {
	open    func(name string, flag int, perm os.FileMode) (*os.File, error)
	sync    func(*os.File) error
	link    func(from, to string) error
	rename  func(from, to string) error
	remove  func(name string) error
	syncDir func(dir string) error
}

var host = system{os.OpenFile, (*os.File).Sync, os.Link, os.Rename, os.Remove, syncDir}
