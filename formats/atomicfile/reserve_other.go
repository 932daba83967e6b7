//go:build !linux

package atomicfile

import (
	"errors"
	"os"
)

// reserve is not available here.
func reserve(*os.File, int64) error { return errors.ErrUnsupported }
