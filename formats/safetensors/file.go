package safetensors

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/ctxio"
	"github.com/f190792d/mq/formats/internal/lfs"
)

// MaxHeader is the longest header in bytes that the format allows.
const MaxHeader = 100_000_000

// Tensor describes one tensor of a file.
type Tensor struct {
	Name   string
	DType  dtype.DType
	Shape  []int64 // slowest dimension first; empty for a scalar
	Offset int64   // of the first byte, from the start of the file
	Size   int64   // in bytes
}

// File is an open safetensors file. Its methods may be called concurrently.
type File struct {
	r        io.ReaderAt
	tensors  []Tensor // by offset
	byName   []int32  // indices of tensors, sorted by name
	metadata map[string]string
}

// Open opens a file and reads its header.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fault.Op("safetensors").File(filepath.Base(path)).Corrupt("not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	file, err := New(f, info.Size(), filepath.Base(path))
	if err != nil {
		f.Close()
		return nil, err
	}
	return file, nil
}

// New reads the header of a file of the given size; name is used in errors.
// The File takes r over and closes it where it can be closed.
func New(r io.ReaderAt, size int64, name string) (*File, error) {
	header, err := readHeader(r, size)
	if err != nil {
		return nil, named(err, name)
	}
	p := parser{text: header}
	if err := p.header(); err != nil {
		return nil, named(err, name)
	}
	start := 8 + int64(len(header))
	if err := checkLayout(p.tensors, size-start); err != nil {
		return nil, named(err, name)
	}
	byName, err := indexNames(p.tensors)
	if err != nil {
		return nil, named(err, name)
	}
	for i := range p.tensors {
		p.tensors[i].Offset += start
	}
	return &File{r, p.tensors, byName, p.metadata}, nil
}

// named adds package and file to a rule's sentence.
func named(err error, name string) error { return fault.Op("safetensors").File(name).Of(err) }

// readHeader checks the frame and returns the JSON text.
func readHeader(r io.ReaderAt, size int64) (string, error) {
	head := make([]byte, min(size, int64(lfs.HeadLen)))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return "", shortRead(err)
	}
	if err := lfs.Check(head); err != nil {
		return "", err
	}
	if size < 8 {
		return "", fault.Corrupt("file of %d bytes is too short to hold a header length", size)
	}
	n := binary.LittleEndian.Uint64(head)
	if n > MaxHeader {
		return "", fault.Corrupt("header length %d is above the format's limit of %d", n, MaxHeader)
	}
	if int64(n) > size-8 {
		return "", fault.Corrupt("header of %d bytes does not fit a file of %d bytes: the file is truncated", n, size)
	}
	if n == 0 || head[8] != '{' {
		return "", fault.Corrupt("header does not start with {")
	}
	var text strings.Builder
	text.Grow(int(n))
	if _, err := io.CopyN(&text, io.NewSectionReader(r, 8, int64(n)), int64(n)); err != nil {
		return "", shortRead(err)
	}
	if !utf8.ValidString(text.String()) {
		return "", fault.Corrupt("header is not valid UTF-8")
	}
	return text.String(), nil
}

func shortRead(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Corrupt("file ends before its header: it was shortened while open")
	}
	return err
}

const twice = "the name occurs twice in the header"

// checkLayout sorts the tensors by offset and demands that they tile the data.
func checkLayout(tensors []Tensor, data int64) error {
	slices.SortStableFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size))
	})
	end := int64(0)
	for i, t := range tensors {
		switch {
		case t.Offset > data || t.Size > data-t.Offset:
			return fault.Tensor(t.Name).Corrupt("its bytes %d to %d are outside the %d bytes of data: the file is truncated or its header is wrong",
				t.Offset, t.Offset+t.Size, data)
		case t.Offset < end && t.Name == tensors[i-1].Name:
			return fault.Tensor(t.Name).Corrupt(twice)
		case t.Offset < end:
			return fault.Tensor(t.Name).Corrupt("offsets overlap those of tensor %s", quote(tensors[i-1].Name))
		case t.Offset > end:
			return fault.Tensor(t.Name).Corrupt("%d bytes before it belong to no tensor (a hole in the offsets)", t.Offset-end)
		}
		end = t.Offset + t.Size
	}
	if end < data {
		return fault.Corrupt("%d bytes after the last tensor belong to no tensor", data-end)
	}
	return nil
}

func indexNames(tensors []Tensor) ([]int32, error) {
	index := make([]int32, len(tensors))
	for i := range index {
		index[i] = int32(i)
	}
	slices.SortFunc(index, func(a, b int32) int { return strings.Compare(tensors[a].Name, tensors[b].Name) })
	for i := 1; i < len(index); i++ {
		if name := tensors[index[i]].Name; name == tensors[index[i-1]].Name {
			return nil, fault.Tensor(name).Corrupt(twice)
		}
	}
	return index, nil
}

// Tensors lists the tensors in the order of their bytes. The slice is shared.
func (f *File) Tensors() []Tensor { return f.tensors }

// Metadata is the header's __metadata__; nil where there is none.
func (f *File) Metadata() map[string]string { return f.metadata }

// Lookup finds a tensor by its name.
func (f *File) Lookup(name string) (Tensor, bool) {
	i := sort.Search(len(f.byName), func(i int) bool { return f.tensors[f.byName[i]].Name >= name })
	if i == len(f.byName) || f.tensors[f.byName[i]].Name != name {
		return Tensor{}, false
	}
	return f.tensors[f.byName[i]], true
}

// ReadAt reads bytes of the file at an offset from its start. It ends with
// ctx, returning its cause.
func (f *File) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	return ctxio.ReadAt(ctx, f.r, p, off)
}

// Close closes the underlying reader.
func (f *File) Close() error {
	if c, ok := f.r.(io.Closer); ok {
		if err := c.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
			return err
		}
	}
	return nil
}
