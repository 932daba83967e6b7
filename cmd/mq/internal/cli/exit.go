package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"syscall"

	"github.com/f190792d/mq/formats/fault"
)

// The exit codes, documented in docs/scripting.md.
const (
	exitOK          = 0
	exitOther       = 1
	exitUsage       = 2
	exitCheck       = 3
	exitUnsupported = 4
	exitCorrupt     = 5
	exitIO          = 6
	exitInterrupted = 130
)

// errInterrupted is what a signal makes of any error.
var errInterrupted = errors.New("interrupted")

// exitCode maps an error to the code the process ends with.
func exitCode(err error) int {
	var pathError *fs.PathError
	var coded interface{ ExitCode() int }
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &coded):
		return coded.ExitCode()
	case errors.Is(err, fault.ErrUsage):
		return exitUsage
	case errors.Is(err, fault.ErrCheck):
		return exitCheck
	case errors.Is(err, fault.ErrUnsupported):
		return exitUnsupported
	case errors.Is(err, fault.ErrIO), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EIO):
		return exitIO
	case errors.Is(err, fault.ErrCorrupt), errors.Is(err, io.ErrUnexpectedEOF):
		return exitCorrupt
	case errors.Is(err, fs.ErrNotExist):
		return exitUsage
	case errors.As(err, &pathError):
		return exitIO
	}
	return exitOther
}
