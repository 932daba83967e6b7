// Package ctxio reads at offsets under a context, from files that know of
// contexts and from those that do not.
package ctxio

import (
	"context"
	"io"
)

// ReaderAt is an [io.ReaderAt] whose reads can be cancelled, such as a remote
// file. ReadAtContext is ReadAt with a context; both may be called from
// several goroutines at once.
type ReaderAt interface {
	io.ReaderAt
	ReadAtContext(ctx context.Context, p []byte, off int64) (int, error)
}

// piece bounds what is read between two looks at the context: a slow disk
// delivers it within a tenth of a second.
const piece = 8 << 20

// ReadAt is r.ReadAt(p, off), ended by ctx with its cause.
func ReadAt(ctx context.Context, r io.ReaderAt, p []byte, off int64) (int, error) {
	if c, ok := r.(ReaderAt); ok {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return c.ReadAtContext(ctx, p, off)
	}
	total := 0
	for {
		if ctx.Err() != nil {
			return total, context.Cause(ctx)
		}
		part := p[total:min(total+piece, len(p))]
		n, err := r.ReadAt(part, off+int64(total))
		total += n
		if n < len(part) || total == len(p) {
			return total, err
		}
	}
}

// Bind returns r with all its reads under ctx, for code that takes an
// [io.ReaderAt].
func Bind(ctx context.Context, r io.ReaderAt) io.ReaderAt { return bound{ctx, r} }

type bound struct {
	ctx context.Context
	r   io.ReaderAt
}

func (b bound) ReadAt(p []byte, off int64) (int, error) { return ReadAt(b.ctx, b.r, p, off) }
