// Package lfs recognizes the pointers that Git leaves in place of files kept by
// Git LFS (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
package lfs

import (
	"bytes"

	"github.com/f190792d/mq/formats/fault"
)

// HeadLen is the number of leading bytes that Check looks at.
const HeadLen = len(magic)

const magic = "version https://git-lfs"

// Check reports an error of class corrupt where a file that begins with head is
// a pointer to the file that was asked for.
func Check(head []byte) error {
	if bytes.HasPrefix(head, []byte(magic)) {
		return fault.Corrupt("this is a Git LFS pointer, not the file itself; run git lfs pull")
	}
	return nil
}
