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
	Internal    = 70 // sysexits.h calls it EX_SOFTWARE
	Interrupted = 130
)

// rules map errors to codes; the first that matches decides. A path that does
// not exist, may not be used or is of another kind is the caller's mistake
// whatever a library makes of it, unless it is part of an input that is
// incomplete: 6 is left for devices.
var rules = []struct {
	code int
	any  []error
}{
	{Internal, []error{fault.ErrInternal}},
	{Interrupted, []error{context.Canceled}},
	{Check, []error{fault.ErrCheck}},
	{Unsupported, []error{fault.ErrUnsupported}},
	{IO, []error{syscall.ENOSPC, syscall.EIO}},
	{Corrupt, []error{fault.ErrCorrupt, io.ErrUnexpectedEOF}},
	{Usage, []error{fault.ErrInvalid, fs.ErrNotExist, fs.ErrPermission, syscall.EISDIR, syscall.ENOTDIR, syscall.EROFS, syscall.ENAMETOOLONG}},
	{IO, []error{fault.ErrIO}},
}

// Code maps an error to the code that the process ends with. An error may have
// a code of its own, by a method ExitCode.
func Code(err error) int {
	if err == nil {
		return OK
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	for _, rule := range rules {
		for _, target := range rule.any {
			if errors.Is(err, target) {
				return rule.code
			}
		}
	}
	if errors.As(err, new(*fs.PathError)) {
		return IO
	}
	return Other
}
