package tiny

import (
	"bytes"
	"io"
	"io/fs"
	"testing/fstest"

	"github.com/f190792d/mq/formats/safetensors"
)

// HeadersOnly is a checkpoint folder whose weights take no memory: a header
// for every tensor, and zeros where the data would be.
func HeadersOnly(tensors []safetensors.Tensor, files fstest.MapFS) (fs.FS, error) {
	header, placed, err := safetensors.Header(tensors, nil)
	if err != nil {
		return nil, err
	}
	size := int64(len(header))
	for _, t := range placed {
		size += t.Size
	}
	files["model.safetensors"] = &fstest.MapFile{Data: header}
	return folder{files, size}, nil
}

// folder serves files from memory and stretches the weights to their size.
type folder struct {
	files fstest.MapFS
	size  int64
}

func (f folder) ReadDir(name string) ([]fs.DirEntry, error) { return f.files.ReadDir(name) }

func (f folder) Open(name string) (fs.File, error) {
	file, err := f.files.Open(name)
	if err != nil || name != "model.safetensors" {
		return file, err
	}
	return weights{file, bytes.NewReader(f.files[name].Data), f.size}, nil
}

type weights struct {
	fs.File
	header *bytes.Reader
	size   int64
}

// ReadAt reads the header and zeros after it.
func (w weights) ReadAt(p []byte, off int64) (int, error) {
	if off >= w.size {
		return 0, io.EOF
	}
	clear(p)
	if off < w.header.Size() {
		if _, err := w.header.ReadAt(p, off); err != nil && err != io.EOF {
			return 0, err
		}
	}
	if rest := w.size - off; int64(len(p)) > rest {
		return int(rest), io.EOF
	}
	return len(p), nil
}

func (w weights) Stat() (fs.FileInfo, error) {
	info, err := w.File.Stat()
	return stretched{info, w.size}, err
}

type stretched struct {
	fs.FileInfo
	size int64
}

func (s stretched) Size() int64 { return s.size }
