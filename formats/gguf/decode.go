package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Limits of a header. They lie far above every real file and bound the memory
// that a hostile one can take.
const (
	maxHeader  = 128 << 20 // bytes
	maxKVs     = 1 << 16
	maxKeyLen  = 1<<16 - 1 // set by the format
	maxTensors = 1 << 18
	maxStrings = 1 << 21 // in one array
	maxNested  = 1 << 16 // arrays inside arrays, in the whole header
	maxDepth   = 8       // of arrays inside arrays

	bufferSize = 64 << 10
	arenaSize  = 64 << 10
)

// decoder reads a header from front to back. The first failure sticks in err;
// every later read gives zero values.
type decoder struct {
	place  fault.Place // what is being read
	where  string      // the same in words, where it has no name yet
	r      *bufio.Reader
	off    int64 // of the next byte
	size   int64 // of the file
	nested int   // arrays inside arrays so far
	err    error
}

func newDecoder(r io.ReaderAt, size int64, file string) *decoder {
	return &decoder{
		place: fault.Op("gguf").File(file),
		r:     bufio.NewReaderSize(io.NewSectionReader(r, 0, size), bufferSize),
		size:  size,
	}
}

// fail keeps the first error: a sentence that names the file and the place.
func (d *decoder) fail(class func(fault.Place, string, ...any) error, format string, args ...any) {
	if d.err == nil {
		d.err = class(d.place, d.where+format, args...)
	}
}

// remaining returns the bytes that are left in the file.
func (d *decoder) remaining() uint64 { return uint64(d.size - d.off) }

// next returns the following n bytes, at most bufferSize. They are valid until
// the next call.
func (d *decoder) next(n int) []byte {
	if !d.has(uint64(n)) {
		return nil
	}
	b, err := d.r.Peek(n)
	if err != nil {
		d.readError(err)
		return nil
	}
	d.off += int64(n)
	_, _ = d.r.Discard(n) // cannot fail: the bytes are buffered
	return b
}

// has checks that n more bytes are there and belong to a header of sane size.
func (d *decoder) has(n uint64) bool {
	switch {
	case d.err != nil:
	case n > d.remaining():
		d.fail(fault.Place.Corrupt, "%d bytes are due at offset %d but the file ends at %d", n, d.off, d.size)
	case uint64(d.off)+n > maxHeader:
		d.fail(fault.Place.Corrupt, "the header is larger than %d MiB", maxHeader>>20)
	}
	return d.err == nil
}

func (d *decoder) readError(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		d.fail(fault.Place.Corrupt, "the file ends at offset %d, before the header does", d.off)
		return
	}
	d.fail(fault.Place.IO, "cannot read at offset %d: %w", d.off, err)
}

// read decodes the following size bytes into a pointer or a slice.
func (d *decoder) read(into any, size int) {
	if b := d.next(size); d.err == nil {
		if _, err := binary.Decode(b, binary.LittleEndian, into); err != nil {
			d.fail(fault.Place.Corrupt, "%w", err)
		}
	}
}

func (d *decoder) u32() uint32 {
	if b := d.next(4); d.err == nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.next(8); d.err == nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// str reads one string with its length.
func (d *decoder) str() string { return d.text(d.u64()) }

// text reads n bytes.
func (d *decoder) text(n uint64) string {
	if !d.has(n) {
		return ""
	}
	if n <= bufferSize {
		return string(d.next(int(n)))
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.readError(err)
		return ""
	}
	d.off += int64(n)
	return string(b)
}

// strings reads n strings. Those that are small share larger blocks of
// memory: a vocabulary is read with few allocations.
func (d *decoder) strings(n uint64) any {
	if n > maxStrings {
		d.fail(fault.Place.Unsupported, "an array of %d strings is longer than the limit of %d", n, maxStrings)
		return nil
	}
	items := make([]string, 0, min(n, 1<<18))
	var arena arena
	for uint64(len(items)) < n && d.err == nil {
		items = d.buffered(items, int(n), &arena)
		if uint64(len(items)) == n {
			break
		}
		size := d.u64()
		if size > arenaSize/8 {
			items = append(items, d.text(size))
		} else {
			items = append(items, arena.text(d.next(int(size))))
		}
	}
	if d.err != nil {
		return nil
	}
	return items
}

// buffered appends strings that are small and in the buffer, up to n.
func (d *decoder) buffered(items []string, n int, arena *arena) []string {
	window, _ := d.r.Peek(min(d.r.Buffered(), int(d.remaining())))
	rest := window
	for len(items) < n && len(rest) >= 8 {
		size := binary.LittleEndian.Uint64(rest)
		if size > min(arenaSize/8, uint64(len(rest)-8)) {
			break
		}
		items = append(items, arena.text(rest[8:8+size]))
		rest = rest[8+size:]
	}
	d.next(len(window) - len(rest))
	return items
}

// arena puts small texts into larger blocks of memory.
type arena struct{ block strings.Builder }

func (a *arena) text(b []byte) string {
	if a.block.Cap()-a.block.Len() < len(b) {
		a.block = strings.Builder{}
		a.block.Grow(arenaSize)
	}
	at := a.block.Len()
	a.block.Write(b)
	return a.block.String()[at:]
}

// value reads a key's value of type t.
func (d *decoder) value(t ValueType) any {
	switch {
	case d.err != nil:
		return nil
	case t == ArrayType:
		return d.array(1)
	case int64(t) >= int64(len(valueTypes)):
		d.fail(fault.Place.Corrupt, "value type %d does not exist", t)
		return nil
	}
	return valueTypes[t].scalar(d)
}

// array reads the item type, the length and the items of an array.
func (d *decoder) array(depth int) any {
	t := ValueType(d.u32())
	n := d.u64()
	if d.err != nil {
		return nil
	}
	if t == ArrayType {
		return d.nestedArray(n, depth)
	}
	if int64(t) >= int64(len(valueTypes)) {
		d.fail(fault.Place.Corrupt, "item type %d of an array does not exist", t)
		return nil
	}
	if n > d.remaining()/valueTypes[t].size {
		d.fail(fault.Place.Corrupt, "an array of %d items of type %s is longer than the rest of the file", n, t)
		return nil
	}
	if !d.has(n * valueTypes[t].size) {
		return nil
	}
	return valueTypes[t].array(d, n)
}

func (d *decoder) nestedArray(n uint64, depth int) any {
	const least = 4 + 8 // an item's type and length
	if n > d.remaining()/least {
		d.fail(fault.Place.Corrupt, "an array of %d arrays is longer than the rest of the file", n)
		return nil
	}
	if depth == maxDepth {
		d.fail(fault.Place.Unsupported, "arrays are nested deeper than %d levels", maxDepth)
		return nil
	}
	items := Array{}
	for range n {
		if d.nested++; d.nested > maxNested {
			d.fail(fault.Place.Unsupported, "there are more than %d arrays inside arrays", maxNested)
		}
		item := d.array(depth + 1)
		if d.err != nil {
			return nil
		}
		items = append(items, item)
	}
	return items
}
