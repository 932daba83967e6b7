package gguf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/ctxio"
	"github.com/f190792d/mq/formats/internal/mmap"
)

// File is an opened GGUF file, or a split set that reads as one file. Its
// methods may be called from several goroutines at once; Map and Close may
// not overlap them.
type File struct {
	name    string
	kvs     KVs
	tensors []TensorInfo
	index   map[string]int
	parts   []*part
}

// part is one file of a set.
type part struct {
	*header
	name   string
	size   int64
	r      io.ReaderAt
	file   *os.File // nil where the caller brought the reader
	mapped []byte
}

// New reads the header of one file of the given size. The name is for
// messages. A part of a split set is taken by itself.
func New(r io.ReaderAt, size int64, name string) (*File, error) {
	h, err := readHeader(r, size, name)
	if err != nil {
		return nil, err
	}
	return join(name, []*part{{header: h, name: name, size: size, r: r}})
}

// Open opens a file, and the whole set where the file is one part of a split
// set (NAME-00002-of-00003.gguf with the key split.count).
func Open(path string) (*File, error) {
	first, err := openPart(path)
	if err != nil {
		return nil, err
	}
	count, _ := first.kvs.Uint(splitCountKey)
	if count <= 1 {
		return join(path, []*part{first})
	}
	return openSet(path, first, count)
}

// OpenPart opens one file only, even where it is part of a split set.
func OpenPart(path string) (*File, error) {
	p, err := openPart(path)
	if err != nil {
		return nil, err
	}
	return join(path, []*part{p})
}

func openPart(path string) (*part, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	p, err := newPart(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

func newPart(f *os.File, path string) (*part, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Op("gguf").IO("%w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Op("gguf").File(path).Invalid("this is not a regular file")
	}
	name := filepath.Base(path)
	h, err := readHeader(f, info.Size(), name)
	if err != nil {
		return nil, err
	}
	return &part{header: h, name: path, size: info.Size(), r: f, file: f}, nil
}

// join makes one file of the parts of a set. It closes them on failure.
func join(name string, parts []*part) (*File, error) {
	f := &File{name: name, kvs: parts[0].kvs, parts: parts, index: map[string]int{}}
	for i, p := range parts {
		for _, t := range p.tensors {
			if _, twice := f.index[t.Name]; twice {
				f.Close()
				return nil, fault.Op("gguf").File(filepath.Base(p.name)).Tensor(t.Name).Corrupt("the name occurs in another part too")
			}
			t.part = i
			f.index[t.Name] = len(f.tensors)
			f.tensors = append(f.tensors, t)
		}
	}
	return f, nil
}

// Name returns the path that was opened.
func (f *File) Name() string { return f.name }

// KVs returns the key-values. Those of a split set are the ones of its first
// part without the keys split.*, which tell nothing of the whole.
func (f *File) KVs() KVs { return f.kvs }

// Tensors returns all tensors in the order of the file, or of the set.
func (f *File) Tensors() []TensorInfo { return f.tensors }

// Lookup finds a tensor by name.
func (f *File) Lookup(name string) (TensorInfo, bool) {
	i, ok := f.index[name]
	if !ok {
		return TensorInfo{}, false
	}
	return f.tensors[i], true
}

// Version returns the version of the format, 2 or 3.
func (f *File) Version() uint32 { return f.parts[0].version }

// Alignment returns the alignment of tensor data in bytes.
func (f *File) Alignment() int { return int(f.parts[0].alignment) }

// DataOffset returns where the data section of a part begins.
func (f *File) DataOffset(part int) int64 { return f.parts[part].dataOffset }

// Parts returns the paths of all files of the set: one where it is not split.
func (f *File) Parts() []string {
	names := make([]string, len(f.parts))
	for i, p := range f.parts {
		names[i] = p.name
	}
	return names
}

// Size returns the bytes of all parts together.
func (f *File) Size() int64 {
	var n int64
	for _, p := range f.parts {
		n += p.size
	}
	return n
}

// ReadTensorAt reads len(p) bytes of a tensor's data, starting off bytes into
// it. Like an [io.ReaderAt] it returns io.EOF where the tensor ends earlier.
// It ends with ctx, returning its cause.
func (f *File) ReadTensorAt(ctx context.Context, t TensorInfo, p []byte, off int64) (int, error) {
	size := t.Size()
	if t.part < 0 || t.part >= len(f.parts) || off < 0 || size < 0 {
		return 0, fault.Op("gguf").File(f.name).Tensor(t.Name).Invalid("no data at offset %d", off)
	}
	if off >= size {
		return 0, io.EOF
	}
	short := int64(len(p)) > size-off
	if short {
		p = p[:size-off]
	}
	part := f.parts[t.part]
	n, err := ctxio.ReadAt(ctx, part.r, p, part.dataOffset+t.Offset+off)
	switch {
	case n == len(p) && short:
		return n, io.EOF
	case n == len(p):
		return n, nil
	case ctx.Err() != nil:
		return n, context.Cause(ctx)
	case errors.Is(err, io.EOF):
		return n, fault.Op("gguf").File(part.name).Tensor(t.Name).Corrupt("the file ends within the data")
	}
	return n, fault.Op("gguf").File(part.name).Tensor(t.Name).IO("%w", err)
}

// Section returns a reader of a tensor's data whose reads end with ctx.
func (f *File) Section(ctx context.Context, t TensorInfo) *io.SectionReader {
	return io.NewSectionReader(section{ctx, f, t}, 0, max(t.Size(), 0))
}

type section struct {
	ctx context.Context
	f   *File
	t   TensorInfo
}

func (s section) ReadAt(p []byte, off int64) (int, error) {
	return s.f.ReadTensorAt(s.ctx, s.t, p, off)
}

// Stream returns a tensor as a stream of rows.
func (f *File) Stream(t TensorInfo) Stream {
	row := t.RowBytes()
	return Stream{TensorInfo: t, Ahead: f.ahead(t), ReadRows: func(ctx context.Context, dst []byte, first int64) error {
		n, err := f.ReadTensorAt(ctx, t, dst, first*row)
		if n == len(dst) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			err = fault.Op("gguf").File(f.name).Tensor(t.Name).Invalid("rows from %d on pass its end", first)
		}
		return err
	}}
}

// ahead is the Ahead of a tensor's stream.
func (f *File) ahead(t TensorInfo) func(first, n int64) {
	if t.part < 0 || t.part >= len(f.parts) || f.parts[t.part].file == nil {
		return nil
	}
	p, row := f.parts[t.part], t.RowBytes()
	return func(first, n int64) { mmap.ReadFileAhead(p.file, p.dataOffset+t.Offset+first*row, n) }
}

// Contiguous checks that the data of each tensor follow those of the one
// before it, without holes: ggml reads no other files. The format allows
// them.
func (f *File) Contiguous() error {
	next := make([]int64, len(f.parts))
	for _, t := range f.tensors {
		p := f.parts[t.part]
		if t.Offset != next[t.part] {
			return fault.Op("gguf").File(filepath.Base(p.name)).Tensor(t.Name).Corrupt("offset %d should be %d, right after the tensor before it", t.Offset, next[t.part])
		}
		next[t.part] += pad(t.Size(), p.alignment)
	}
	return nil
}

// Map maps all parts into memory, so that Bytes has something to give. It
// fails where the system cannot, and for a File made by New; reading works
// all the same.
func (f *File) Map() error {
	for _, p := range f.parts {
		if p.mapped != nil {
			continue
		}
		if p.file == nil {
			return fault.Op("gguf").File(p.name).Unsupported("only a file on disk can be mapped")
		}
		b, err := mmap.Map(p.file, p.size)
		if err != nil {
			return fault.Op("gguf").File(p.name).IO("cannot map: %w", err)
		}
		p.mapped = b
	}
	return nil
}

// Mapped reports whether all parts are mapped.
func (f *File) Mapped() bool {
	return !slices.ContainsFunc(f.parts, func(p *part) bool { return p.mapped == nil })
}

// Bytes returns the data of a tensor without a copy where the file is mapped.
// They are valid until Close and must not be changed. A mapped file that
// another program truncates ends this one with a fault.
func (f *File) Bytes(t TensorInfo) ([]byte, bool) {
	size := t.Size()
	if size < 0 || t.part >= len(f.parts) || f.parts[t.part].mapped == nil {
		return nil, false
	}
	p := f.parts[t.part]
	at := p.dataOffset + t.Offset
	if at > p.size-size {
		return nil, size == 0
	}
	return p.mapped[at : at+size : at+size], true
}

// Release tells the system that bytes of a tensor will not be read again
// soon, so that a large file does not push others out of memory. It is a hint
// that some systems ignore.
func (f *File) Release(t TensorInfo, off, n int64) {
	if t.part >= len(f.parts) || n <= 0 {
		return
	}
	p := f.parts[t.part]
	at := p.dataOffset + t.Offset + off
	if p.mapped != nil && at >= 0 && at <= p.size-n {
		mmap.Release(p.mapped, at, n)
	}
	if p.file != nil {
		mmap.ReleaseFile(p.file, at, n)
	}
}

// Close unmaps and closes all parts.
func (f *File) Close() error {
	var errs []error
	for _, p := range f.parts {
		if p.mapped != nil {
			errs = append(errs, mmap.Unmap(p.mapped))
			p.mapped = nil
		}
		if p.file != nil {
			errs = append(errs, p.file.Close())
			p.file = nil
		}
	}
	return errors.Join(errs...)
}
