package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve takes the space of a file on disk.
func reserve(f *os.File, size int64) error {
	if size == 0 {
		return nil
	}
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
