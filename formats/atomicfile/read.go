package atomicfile

import (
	"bytes"
	"io"
	"os"

	"github.com/f190792d/mq/formats/fault"
)

// The limits of files that are held in memory whole, in bytes.
const (
	MaxSettings = 64 << 20 // lists of options, states, measurements
	MaxText     = 1 << 30  // texts that a model reads
)

// ReadFile returns a whole file, or what comes through a pipe, of at most limit
// bytes.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(f, path, limit)
}

// ReadAll is ReadFile for what is open already; name is for messages.
func ReadAll(r io.Reader, name string, limit int64) ([]byte, error) {
	var data bytes.Buffer
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if info.Size() > limit {
				return nil, tooLong(name, limit)
			}
			data.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	n, err := data.ReadFrom(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case n > limit:
		return nil, tooLong(name, limit)
	}
	return data.Bytes(), nil
}

func tooLong(name string, limit int64) error {
	return fault.File(name).Invalid("the file is longer than %d bytes", limit)
}
