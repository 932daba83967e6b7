package fault

// ErrUsage is [ErrInvalid] as the command line calls it.
const ErrUsage = ErrInvalid

// Usage is [Invalid] as the command line calls it.
func Usage(format string, args ...any) error { return Invalid(format, args...) }
