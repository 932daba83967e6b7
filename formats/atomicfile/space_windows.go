package atomicfile

import (
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/f190792d/mq/formats/fault"
)

// Space returns the bytes that are free for a file at path, and a number that
// identifies its volume. The file need not exist.
func Space(path string) (free int64, system uint64, err error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return 0, 0, fault.File(path).IO("%w", err)
	}
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, fault.File(path).Invalid("%w", err)
	}
	var mine uint64
	switch err := windows.GetDiskFreeSpaceEx(name, &mine, nil, nil); {
	case errors.Is(err, windows.ERROR_PATH_NOT_FOUND), errors.Is(err, windows.ERROR_FILE_NOT_FOUND), errors.Is(err, windows.ERROR_DIRECTORY):
		return 0, 0, noFolder(path, dir)
	case err != nil:
		return 0, 0, fault.File(path).IO("cannot ask for the free space of %s: %w", dir, err)
	}
	volume := make([]uint16, windows.MAX_PATH+1)
	if err := windows.GetVolumePathName(name, &volume[0], uint32(len(volume))); err != nil {
		return 0, 0, fault.File(path).IO("cannot ask for the volume of %s: %w", dir, err)
	}
	h := fnv.New64a()
	h.Write([]byte(strings.ToLower(windows.UTF16ToString(volume))))
	return int64(min(mine, 1<<62)), h.Sum64(), nil
}

// allocated returns the bytes that a file takes, 0 where there is none.
func allocated(path string) int64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
