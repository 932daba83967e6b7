package fault

import "errors"

// Place says what an error is about; its methods make errors there:
//
//	fault.Op("gguf").File(name).Tensor(t.Name).Corrupt("offset %d is …", t.Offset)
type Place struct{ e Error }

// Op begins a place with the package that reports the error.
func Op(name string) Place { return Place{Error{Op: name}} }

// File begins a place with a file, in code that is part of a larger operation.
func File(name string) Place { return Place{Error{File: name}} }

// Tensor begins a place with a tensor.
func Tensor(name string) Place { return Place{Error{Tensor: name}} }

// Folder adds the name of a checkpoint's folder or repository.
func (p Place) Folder(name string) Place { p.e.Folder = name; return p }

// File adds the file's name or path.
func (p Place) File(name string) Place { p.e.File = name; return p }

// Tensor adds the tensor's name.
func (p Place) Tensor(name string) Place { p.e.Tensor = name; return p }

// Key adds the name of a key.
func (p Place) Key(name string) Place { p.e.Key = name; return p }

// Kind makes the error one of a kind, which [errors.Is] finds and the message
// does not show.
func (p Place) Kind(sentinel error) Place { p.e.Kind = sentinel; return p }

// Check reports that a threshold or comparison failed.
func (p Place) Check(format string, args ...any) error {
	return newError(p.class(ErrCheck), format, args...)
}

// Unsupported reports an input that is well formed but not handled.
func (p Place) Unsupported(format string, args ...any) error {
	return newError(p.class(ErrUnsupported), format, args...)
}

// Corrupt reports an input that breaks a rule of its format.
func (p Place) Corrupt(format string, args ...any) error {
	return newError(p.class(ErrCorrupt), format, args...)
}

// Invalid reports arguments that contradict each other or the input.
func (p Place) Invalid(format string, args ...any) error {
	return newError(p.class(ErrInvalid), format, args...)
}

// IO reports a failed read or write of a device.
func (p Place) IO(format string, args ...any) error {
	return newError(p.class(ErrIO), format, args...)
}

func (p Place) class(c Class) Error { p.e.Class = c; return p.e }

// Of adds to an error of a parser what the parser does not know: the package,
// the file. What the error says already stays. An error without a class is
// one of the device.
func (p Place) Of(err error) error {
	var inner *Error
	if !errors.As(err, &inner) {
		return p.IO("%w", err)
	}
	if err != error(inner) { //nolint:errorlint // whether there is more text around it
		return newError(p.class(inner.Class), "%w", err)
	}
	e := *inner
	if e.Kind == nil {
		e.Kind = p.e.Kind
	}
	for _, f := range []struct {
		to   *string
		from string
	}{{&e.Op, p.e.Op}, {&e.Folder, p.e.Folder}, {&e.File, p.e.File}, {&e.Tensor, p.e.Tensor}, {&e.Key, p.e.Key}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	return &e
}
