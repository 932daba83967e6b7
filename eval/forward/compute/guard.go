package compute

import (
	"errors"
	"runtime/debug"

	"github.com/f190792d/mq/formats/fault"
)

// ErrShortened marks the error of a read of mapped memory beyond the end of its
// file.
var ErrShortened = errors.New("the file was shortened")

// guarded runs what may read a mapped file: a file that another program cuts
// short meanwhile, which the system answers with a signal, is an error.
func guarded(run func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // of this goroutine
	defer func() {
		switch p := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // only a fault of memory has one
			err = fault.Place{}.Kind(ErrShortened).Corrupt("the file was shortened, or its disk failed, while it was read")
		default:
			err = fault.Panicked(p)
		}
	}()
	return run()
}
