// Package atomicfile writes a file under a temporary name in the same folder
// and gives it its own name only when it is whole and on disk. A run that is
// stopped leaves nothing under the final name; what it leaves under the
// temporary one, the next run for the same output removes, refuses or takes
// over, as it likes.
package atomicfile
