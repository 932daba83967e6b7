//go:build unix

package hub

import (
	"os"

	"golang.org/x/sys/unix"
)

// noFollow refuses a link in place of a file that is written.
const noFollow = unix.O_NOFOLLOW

// lock takes a file for this process alone until it is closed.
func lock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
