package fault

import (
	"errors"
	"fmt"
)

// The classes. Test with errors.Is.
var (
	ErrCheck       = errors.New("check failed")                // a threshold or comparison failed
	ErrUnsupported = errors.New("unsupported")                 // an architecture, type or feature mq does not handle
	ErrCorrupt     = errors.New("corrupt or incomplete input") // the input breaks a rule of its format
	ErrUsage       = errors.New("usage")                       // the caller asked for something contradictory
	ErrIO          = errors.New("input/output")                // no space, or a device failed
)

// classified carries a class without changing the message.
type classified struct {
	error
	class error
}

func (e classified) Is(target error) bool { return target == e.class }
func (e classified) Unwrap() error        { return e.error }

// Check reports that a threshold or comparison failed.
func Check(format string, args ...any) error { return as(ErrCheck, format, args) }

// Unsupported reports an input that is well formed but not handled.
func Unsupported(format string, args ...any) error { return as(ErrUnsupported, format, args) }

// Corrupt reports an input that breaks a rule of its format.
func Corrupt(format string, args ...any) error { return as(ErrCorrupt, format, args) }

// Usage reports arguments that contradict each other or the input.
func Usage(format string, args ...any) error { return as(ErrUsage, format, args) }

// IO reports a failed read or write of a device.
func IO(format string, args ...any) error { return as(ErrIO, format, args) }

func as(class error, format string, args []any) error {
	return classified{fmt.Errorf(format, args...), class}
}
