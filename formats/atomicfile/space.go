package atomicfile

// Allocated returns the bytes on disk that the temporary file of a stopped run
// holds already for an output.
func Allocated(path string) int64 { return allocated(TempPath(path)) }
