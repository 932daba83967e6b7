package imatrix

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/internal/ctxio"
)

// Names in the GGUF form.
const (
	typeKey      = "general.type"
	typeName     = "imatrix"
	datasetsKey  = "imatrix.datasets"
	chunksKey    = "imatrix.chunk_count"
	chunkSizeKey = "imatrix.chunk_size"
	sumsSuffix   = ".in_sum2"
	countsSuffix = ".counts"
)

// Read reads the importance matrix at path, in either format.
func Read(ctx context.Context, path string) (*Matrix, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("imatrix: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Op("imatrix").IO("%w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Op("imatrix").File(path).Invalid("this is not a regular file")
	}
	return New(ctx, f, info.Size(), filepath.Base(path))
}

// New reads an importance matrix of size bytes. The name is for messages.
func New(ctx context.Context, r io.ReaderAt, size int64, name string) (*Matrix, error) {
	head := make([]byte, 4)
	if n, err := ctxio.ReadAt(ctx, r, head, 0); n < len(head) && !errors.Is(err, io.EOF) {
		return nil, fault.Op("imatrix").File(name).IO("%w", err)
	}
	m, err := (*Matrix)(nil), error(nil)
	if string(head) == "GGUF" {
		m, err = readGGUF(ctx, r, size, name)
	} else {
		m, err = readLegacy(ctxio.Bind(ctx, r), size, name)
	}
	if err != nil {
		return nil, err
	}
	for tensor, e := range m.Entries {
		if err := e.check(name, tensor); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func readGGUF(ctx context.Context, r io.ReaderAt, size int64, name string) (*Matrix, error) {
	f, err := gguf.New(r, size, name)
	if err != nil {
		return nil, err
	}
	m := &Matrix{Entries: map[string]*Entry{}}
	m.Datasets, _ = f.KVs().Strings(datasetsKey)
	for key, to := range map[string]*int{chunksKey: &m.Chunks, chunkSizeKey: &m.ChunkSize} {
		n, ok := f.KVs().Uint(key)
		if f.KVs().Has(key) && (!ok || n > math.MaxInt32) {
			return nil, fault.Op("imatrix").File(name).Key(key).Corrupt("implausible number")
		}
		*to = int(n)
	}
	for _, t := range f.Tensors() {
		tensor, isSums := strings.CutSuffix(t.Name, sumsSuffix)
		if !isSums {
			if tensor, ok := strings.CutSuffix(t.Name, countsSuffix); ok {
				if _, ok := f.Lookup(tensor + sumsSuffix); !ok {
					return nil, fault.Op("imatrix").File(name).Tensor(tensor).Corrupt("there are counts but no sums")
				}
			}
			continue
		}
		c, ok := f.Lookup(tensor + countsSuffix)
		if !ok {
			return nil, fault.Op("imatrix").File(name).Tensor(tensor).Corrupt("there are sums but no counts")
		}
		e := &Entry{}
		if e.Sums, err = readFloats(ctx, f, t); err != nil {
			return nil, err
		}
		if e.Counts, err = readFloats(ctx, f, c); err != nil {
			return nil, err
		}
		for i, count := range e.Counts {
			e.Counts[i] = float32(math.Round(float64(count)))
		}
		m.Entries[tensor] = e
	}
	if len(m.Entries) == 0 {
		return nil, fault.Op("imatrix").File(name).Corrupt("this GGUF file holds no importance matrix: it has no tensor %q", "*"+sumsSuffix)
	}
	return m, nil
}

func readFloats(ctx context.Context, f *gguf.File, t gguf.TensorInfo) ([]float32, error) {
	if t.Type != gguf.TypeF32 {
		return nil, fault.Op("imatrix").File(f.Name()).Tensor(t.Name).Corrupt("its type is %s, not F32", t.Type)
	}
	floats := make([]float32, t.Elements())
	if err := readInto(f.Section(ctx, t), floats); err != nil {
		return nil, err
	}
	return floats, nil
}

// readInto fills floats with little-endian values.
func readInto(r io.Reader, floats []float32) error {
	buf := make([]byte, 4*min(len(floats), 4096))
	for len(floats) > 0 {
		n := min(len(floats), 4096)
		if _, err := io.ReadFull(r, buf[:4*n]); err != nil {
			return err
		}
		for i := range n {
			floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*i:]))
		}
		floats = floats[n:]
	}
	return nil
}

// legacyReader reads the .dat format: numbers are int32, strings and values
// are preceded by their number.
type legacyReader struct {
	r      *bufio.Reader
	name   string
	left   int64  // bytes of the file
	tensor string // that is being read, where its name is known
	err    error
}

func (l *legacyReader) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fault.Op("imatrix").File(l.name).Tensor(l.tensor).Corrupt(format, args...)
	}
}

func (l *legacyReader) int(what string) int {
	var b [4]byte
	if l.take(4, what) {
		l.check(io.ReadFull(l.r, b[:]))
	}
	return int(int32(binary.LittleEndian.Uint32(b[:])))
}

// take accounts for n bytes that are about to be read.
func (l *legacyReader) take(n int64, what string) bool {
	if l.err == nil && (n < 0 || n > l.left) {
		l.fail("not an importance matrix, or incomplete: %s takes %d bytes, %d remain", what, n, l.left)
	}
	l.left -= n
	return l.err == nil
}

func (l *legacyReader) check(_ int, err error) {
	if err != nil && l.err == nil {
		l.err = fault.Op("imatrix").File(l.name).Tensor(l.tensor).IO("%w", err)
	}
}

func (l *legacyReader) string(what string) string {
	n := int64(l.int("the length of " + what))
	if !l.take(n, what) {
		return ""
	}
	b := make([]byte, n)
	l.check(io.ReadFull(l.r, b))
	return string(b)
}

func readLegacy(r io.ReaderAt, size int64, name string) (*Matrix, error) {
	l := &legacyReader{r: bufio.NewReader(io.NewSectionReader(r, 0, size)), name: name, left: size}
	m := &Matrix{Entries: map[string]*Entry{}, Legacy: true}
	n := l.int("the number of entries")
	if n < 1 {
		l.fail("the file has %d entries", n)
	}
	for i := 0; i < n && l.err == nil; i++ {
		tensor := l.string(fmt.Sprintf("the name of entry %d", i+1))
		l.tensor = tensor
		if m.Entries[tensor] != nil {
			l.fail("the name occurs twice")
		}
		m.Entries[tensor] = l.entry()
		l.tensor = ""
	}
	// Files of the first versions end here.
	if l.err == nil && l.left > 0 {
		m.Chunks = l.int("the number of chunks")
	}
	if l.err == nil && l.left > 0 {
		if dataset := l.string("the name of the dataset"); dataset != "" {
			m.Datasets = []string{dataset}
		}
	}
	return m, l.err
}

func (l *legacyReader) entry() *Entry {
	calls, n := l.int("a number of calls"), l.int("a number of values")
	if n < 1 {
		l.fail("it has %d values", n)
	}
	if !l.take(4*int64(n), "it") {
		return nil
	}
	e := &Entry{Sums: make([]float32, n), Counts: []float32{1}}
	if calls > 0 { // else the values are means already
		e.Counts[0] = float32(calls)
	}
	l.check(0, readInto(l.r, e.Sums))
	return e
}
