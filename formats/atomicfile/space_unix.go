//go:build linux || darwin

package atomicfile

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/f190792d/mq/formats/fault"
)

// Space returns the bytes that are free for a file at path, and a number that
// identifies its file system. The file need not exist.
func Space(path string) (free int64, system uint64, err error) {
	dir := filepath.Dir(path)
	var fs unix.Statfs_t
	switch err := unix.Statfs(dir, &fs); {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return 0, 0, noFolder(path, dir)
	case err != nil:
		return 0, 0, fault.File(path).IO("cannot ask for the free space of %s: %w", dir, err)
	}
	var info unix.Stat_t
	if err := unix.Stat(dir, &info); err != nil {
		return 0, 0, fault.File(path).IO("cannot read the folder %s: %w", dir, err)
	}
	return int64(fs.Bavail * uint64(fs.Bsize)), uint64(info.Dev), nil //nolint:unconvert // an int32 on darwin
}

// allocated returns the bytes that a file takes on disk, 0 where there is none.
func allocated(path string) int64 {
	var info unix.Stat_t
	if unix.Lstat(path, &info) != nil {
		return 0
	}
	return info.Blocks * 512
}
