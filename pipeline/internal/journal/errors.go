package journal

import "errors"

// Unfinished is the error of a run that can be resumed.
type Unfinished struct{ Err error }

func (u *Unfinished) Error() string { return u.Err.Error() + "; what is finished is kept" }

// Unwrap returns what ended the run.
func (u *Unfinished) Unwrap() error { return u.Err }

// ErrMismatch marks the error of resuming a run that was started differently.
var ErrMismatch = errors.New("cannot resume")
