//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package atomicfile

import "os"

// lock does nothing here. Windows guards by itself: it does not remove a file
// that is open.
func lock(*os.File) error { return nil }
