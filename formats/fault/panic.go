package fault

import (
	"fmt"
	"runtime/debug"
)

// ErrInternal is the class of faults of mq itself.
const ErrInternal Class = "internal error"

// Panic is a panic that was made an error: a fault of mq itself.
type Panic struct {
	Value any
	Stack []byte // of the goroutine, for whoever mends it
}

func (p *Panic) Error() string { return Printable(fmt.Sprintf("internal error: %v", p.Value)) }

// Is reports whether target is ErrInternal.
func (p *Panic) Is(target error) bool { return target == error(ErrInternal) }

// Rescue is deferred by a goroutine and makes a panic of it the error that it
// returns: the process goes on to undo and to report.
func Rescue(err *error) {
	if p := recover(); p != nil {
		*err = Panicked(p)
	}
}

// Panicked makes the value of a recovered panic an error, with the stack of
// where it is called: in the deferred function itself.
func Panicked(value any) error {
	if p, ok := value.(*Panic); ok {
		return p // from another goroutine, whose stack tells more
	}
	return &Panic{value, debug.Stack()}
}
