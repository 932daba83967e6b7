// Package exit maps errors to the exit codes of the command line.
package exit

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
	OK          = 0
	Other       = 1
	Usage       = 2
	Check       = 3
	Unsupported = 4
	Corrupt     = 5
	IO          = 6
	Interrupted = 130
)

// Code maps an error to the code that the process ends with. An error may have
// a code of its own, by a method ExitCode.
func Code(err error) int {
	var pathError *fs.PathError
	var coded interface{ ExitCode() int }
	switch {
	case err == nil:
		return OK
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &coded):
		return coded.ExitCode()
	case errors.Is(err, fault.ErrInvalid):
		return Usage
	case errors.Is(err, fault.ErrCheck):
		return Check
	case errors.Is(err, fault.ErrUnsupported):
		return Unsupported
	case errors.Is(err, fault.ErrIO), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EIO):
		return IO
	case errors.Is(err, fault.ErrCorrupt), errors.Is(err, io.ErrUnexpectedEOF):
		return Corrupt
	case errors.Is(err, fs.ErrNotExist):
		return Usage
	case errors.As(err, &pathError):
		return IO
	}
	return Other
}
