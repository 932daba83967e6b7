//go:build !unix && !windows

package mmap

import (
	"errors"
	"os"
)

// Map fails: this system maps no files.
func Map(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

// Unmap has nothing to do.
func Unmap([]byte) error { return nil }
