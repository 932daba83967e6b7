// Package ahead is how readers tell file systems that fetch their files what
// they will read.
package ahead

import "context"

// Stretch is a part of a file, such as a tensor.
type Stretch struct {
	File         string
	Offset, Size int64
}

type scattered struct{}

// Scattered returns a context whose reads are samples here and there: what
// lies around them is not worth fetching.
func Scattered(ctx context.Context) context.Context {
	return context.WithValue(ctx, scattered{}, true)
}

// IsScattered reports whether a context was made by [Scattered].
func IsScattered(ctx context.Context) bool { return ctx.Value(scattered{}) != nil }
