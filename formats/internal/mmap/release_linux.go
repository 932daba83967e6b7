package mmap

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Release tells the system that n bytes at off of a mapping will not be read
// again soon. Only whole pages are given back.
func Release(mapped []byte, off, n int64) {
	page := int64(os.Getpagesize())
	begin, end := (off+page-1)/page*page, (off+n)/page*page
	if begin < end && end <= int64(len(mapped)) {
		_ = unix.Madvise(mapped[begin:end], unix.MADV_DONTNEED) // only a hint
	}
}

// ReleaseFile tells the system that it may drop n bytes at off of f from its
// cache. Bytes that are not on disk yet stay.
func ReleaseFile(f *os.File, off, n int64) {
	_ = unix.Fadvise(int(f.Fd()), off, n, unix.FADV_DONTNEED) // only a hint
}

// ReadFileAhead tells the system that n bytes at off of f will be read soon. It
// may go past the end of f.
func ReadFileAhead(f *os.File, off, n int64) {
	_ = unix.Fadvise(int(f.Fd()), off, n, unix.FADV_WILLNEED) // only a hint
}

// FlushFile starts writing n bytes at off of f to disk, so that a later
// ReleaseFile can drop them.
func FlushFile(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE) // only a hint
}

// SettleFile waits until n bytes at off of f are on disk. An error of the disk
// that it returns is one that no later fsync tells.
func SettleFile(f *os.File, off, n int64) error {
	const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	err := unix.SyncFileRange(int(f.Fd()), off, n, all)
	if errors.Is(err, unix.EIO) || errors.Is(err, unix.ENOSPC) {
		return err
	}
	return nil // the call is a luxury
}
