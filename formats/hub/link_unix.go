//go:build unix

package hub

import "golang.org/x/sys/unix"

// noFollow refuses a link in place of a file that is written.
const noFollow = unix.O_NOFOLLOW
