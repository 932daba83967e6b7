package atomicfile

import (
	"io/fs"
	"syscall"
)

// inode returns a file's number and the time of its last change in nanoseconds.
func inode(info fs.FileInfo) (number uint64, changed int64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return stat.Ino, stat.Ctimespec.Nano()
}
