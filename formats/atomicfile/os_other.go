//go:build !unix

package atomicfile

const closeBeforeRename = true

// syncDir does nothing: the system keeps its folders in order itself.
func syncDir(string) error { return nil }
