package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Class is what the user can do about an error. Test with [errors.Is].
type Class string

// The classes.
const (
	ErrCheck       Class = "check failed"                // a threshold or comparison failed
	ErrUnsupported Class = "unsupported"                 // an architecture, type or feature mq does not handle
	ErrCorrupt     Class = "corrupt or incomplete input" // the input breaks a rule of its format
	ErrInvalid     Class = "invalid argument"            // the caller asked for something impossible or contradictory
	ErrIO          Class = "input/output"                // no space, or a device failed
)

func (c Class) Error() string { return string(c) }

// Error is an error of a class. Its message is one sentence that names the
// place and the rule, such as
//
//	gguf: model.gguf: tensor "output.weight": offset 5 is not a multiple of the alignment 32
type Error struct {
	Class  Class
	Op     string // the package that reports it; it begins the message
	Folder string // the checkpoint's, or the repository
	File   string // a name or path
	Tensor string
	Key    string // of a GGUF file or of a JSON object
	Rule   string // what is wrong and, where it helps, the way on; the cause is part of it. After a space it continues the name before it.
	Err    error  // the cause, if there is one
	Kind   error  // a sentinel of the package, where a caller can do something about this error in particular
}

// Is reports whether target is the error's class or kind.
func (e *Error) Is(target error) bool {
	return target == error(e.Class) || e.Kind != nil && errors.Is(e.Kind, target)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Error makes the message: see [Printable].
func (e *Error) Error() string { return Printable(e.sentence()) }

func (e *Error) sentence() string {
	text := ""
	add := func(format, value string) {
		if value != "" {
			text += fmt.Sprintf(format, shorten(value, maxName)) + ": "
		}
	}
	add("%s", e.Op)
	add("%s", e.Folder)
	add("%s", e.File)
	add("tensor %q", e.Tensor)
	add("key %q", e.Key)
	if strings.HasPrefix(e.Rule, " ") {
		text = strings.TrimSuffix(text, ": ")
	}
	return text + e.Rule
}

// Check reports that a threshold or comparison failed.
func Check(format string, args ...any) error {
	return newError(Error{Class: ErrCheck}, format, args...)
}

// Unsupported reports an input that is well formed but not handled.
func Unsupported(format string, args ...any) error {
	return newError(Error{Class: ErrUnsupported}, format, args...)
}

// Corrupt reports an input that breaks a rule of its format.
func Corrupt(format string, args ...any) error {
	return newError(Error{Class: ErrCorrupt}, format, args...)
}

// Invalid reports arguments that contradict each other or the input.
func Invalid(format string, args ...any) error {
	return newError(Error{Class: ErrInvalid}, format, args...)
}

// IO reports a failed read or write of a device.
func IO(format string, args ...any) error { return newError(Error{Class: ErrIO}, format, args...) }

// newError states a rule at a place. Names of hostile files are shortened, so
// that they do not push the rule out of the message.
func newError(place Error, format string, args ...any) error {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = shorten(s, maxArgument)
		}
	}
	text := fmt.Errorf(format, args...)
	place.Rule = text.Error()
	place.Err = errors.Unwrap(text)
	if several, ok := text.(interface{ Unwrap() []error }); ok {
		place.Err = errors.Join(several.Unwrap()...)
	}
	return &place
}
