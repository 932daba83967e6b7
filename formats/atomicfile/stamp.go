package atomicfile

import (
	"fmt"
	"io/fs"
)

// Stamp is what the system knows of a file that changes when the file does:
// size, time of writing and, where it has them, number and time of change,
// which a program cannot set.
func Stamp(info fs.FileInfo) string {
	number, changed := inode(info)
	return fmt.Sprintf("%d %d %d %d", info.Size(), info.ModTime().UnixNano(), number, changed)
}
