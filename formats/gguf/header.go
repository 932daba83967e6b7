package gguf

import (
	"cmp"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

const (
	// DefaultAlignment is the alignment of tensor data, in bytes, of a file
	// that does not have the key AlignmentKey.
	DefaultAlignment = 32
	// AlignmentKey is the key that sets another alignment, as a u32.
	AlignmentKey = "general.alignment"

	maxDims      = 4
	maxNameLen   = 64
	maxAlignment = 1 << 20 // beyond it a few tensors make a file of any size
)

// header is everything that stands before the data of one file.
type header struct {
	version    uint32
	kvs        KVs
	alignment  int64
	tensors    []TensorInfo
	dataOffset int64
}

// readHeader reads and checks the header of a file of the given size.
func readHeader(r io.ReaderAt, size int64, file string) (*header, error) {
	d := newDecoder(r, size, file)
	d.where = "header: "
	d.checkMagic()
	h := &header{version: d.version(), alignment: DefaultAlignment}
	nTensors, nKVs := d.u64(), d.u64()
	d.checkCount("tensors", nTensors, 8+4+4+8, maxTensors)
	d.checkCount("key-values", nKVs, 8+1+4+1, maxKVs)
	h.kvs = d.keyValues(nKVs)
	if d.err == nil {
		h.alignment = d.alignment(h.kvs)
	}
	h.tensors = d.tensorInfos(nTensors)
	if d.err != nil {
		return nil, d.err
	}
	h.dataOffset = pad(d.off, h.alignment)
	if err := h.checkPlacement(file, size); err != nil {
		return nil, err
	}
	return h, nil
}

// checkCount refuses a count of things that each take at least the given
// number of bytes.
func (d *decoder) checkCount(things string, n, least, limit uint64) {
	switch {
	case d.err != nil:
	case n > d.remaining()/least:
		d.fail(fault.Place.Corrupt, "%d %s cannot fit in the %d bytes that follow", n, things, d.remaining())
	case n > limit:
		d.fail(fault.Place.Unsupported, "%d %s are more than the limit of %d", n, things, limit)
	}
}

func (d *decoder) keyValues(n uint64) KVs {
	var kvs KVs
	seen := map[string]bool{}
	for i := uint64(0); i < n && d.err == nil; i++ {
		d.place, d.where = d.place.Key(""), fmt.Sprintf("key %d of %d: ", i+1, n)
		size := d.u64()
		if size > maxKeyLen {
			d.fail(fault.Place.Corrupt, "a key of %d bytes is longer than %d", size, maxKeyLen)
			break
		}
		key := d.text(size)
		d.place, d.where = d.place.Key(key), ""
		switch {
		case d.err == nil && key == "":
			d.fail(fault.Place.Corrupt, "key %d of %d is empty", i+1, n)
		case seen[key]:
			d.fail(fault.Place.Corrupt, "the key occurs twice")
		}
		seen[key] = true
		value := d.value(ValueType(d.u32()))
		if d.err == nil {
			kvs = append(kvs, KV{key, value})
		}
	}
	return kvs
}

func (d *decoder) alignment(kvs KVs) int64 {
	d.place, d.where = d.place.Key(AlignmentKey), ""
	v, ok := kvs.Get(AlignmentKey)
	if !ok {
		return DefaultAlignment
	}
	a, ok := v.(uint32)
	switch {
	case !ok:
		d.fail(fault.Place.Corrupt, "the value is not of type u32")
	case bits.OnesCount32(a) != 1:
		d.fail(fault.Place.Corrupt, "the alignment %d is not a power of two", a)
	case a > maxAlignment:
		d.fail(fault.Place.Corrupt, "the alignment %d is above %d bytes", a, maxAlignment)
	}
	return int64(a)
}

func (d *decoder) tensorInfos(n uint64) []TensorInfo {
	var tensors []TensorInfo
	seen := map[string]bool{}
	for i := uint64(0); i < n && d.err == nil; i++ {
		d.place, d.where = d.place.Key("").Tensor(""), fmt.Sprintf("tensor %d of %d: ", i+1, n)
		size := d.u64()
		if size > maxNameLen {
			d.fail(fault.Place.Corrupt, "a name of %d bytes is longer than %d", size, maxNameLen)
			break
		}
		t := TensorInfo{Name: d.text(size)}
		d.place, d.where = d.place.Tensor(t.Name), ""
		if seen[t.Name] {
			d.fail(fault.Place.Corrupt, "the name occurs twice")
		}
		seen[t.Name] = true
		t.Shape = d.shape()
		t.Type = Type(d.u32())
		offset := d.u64()
		t.Offset = int64(offset)
		if d.err == nil {
			d.checkTensor(t, offset)
		}
		tensors = append(tensors, t)
	}
	return tensors
}

func (d *decoder) shape() []int64 {
	n := d.u32()
	if n > maxDims {
		d.fail(fault.Place.Corrupt, "%d dimensions are more than %d", n, maxDims)
		return nil
	}
	shape := make([]int64, n)
	for i := range shape {
		shape[i] = int64(d.u64())
	}
	return shape
}

// checkTensor holds a description to the rules that need no other tensor.
func (d *decoder) checkTensor(t TensorInfo, offset uint64) {
	switch {
	case t.Type.Removed():
		d.fail(fault.Place.Unsupported, "type %s (id %d) was removed from the format; quantize the model again", t.Type, uint32(t.Type))
	case !t.Type.Known():
		d.fail(fault.Place.Unsupported, "type id %d is not known", uint32(t.Type))
	case slices.Min(append([]int64{0}, t.Shape...)) < 0:
		d.fail(fault.Place.Corrupt, "shape %v has a length that is negative or too large", t.Shape)
	case t.Elements() < 0:
		d.fail(fault.Place.Corrupt, "the number of elements of shape %v overflows", t.Shape)
	case t.Columns()%int64(t.Type.BlockLen()) != 0:
		d.fail(fault.Place.Corrupt, "row length %d is not a multiple of the %s block length %d", t.Columns(), t.Type, t.Type.BlockLen())
	case t.Size() < 0:
		d.fail(fault.Place.Corrupt, "the size of shape %v overflows", t.Shape)
	case int64(offset) < 0:
		d.fail(fault.Place.Corrupt, "offset %d is too large", offset)
	}
}

// checkPlacement holds offsets to the alignment, the file's size and each
// other.
func (h *header) checkPlacement(file string, size int64) error {
	order := make([]int, 0, len(h.tensors))
	for i, t := range h.tensors {
		end := size - h.dataOffset
		switch n := t.Size(); {
		case t.Offset%h.alignment != 0:
			return fault.Op("gguf").File(file).Tensor(t.Name).Corrupt("offset %d is not a multiple of the alignment %d", t.Offset, h.alignment)
		case n > 0 && (n > end || t.Offset > end-n):
			return fault.Op("gguf").File(file).Tensor(t.Name).Corrupt("%d bytes at offset %d of the data pass the end of the file, which is incomplete or has a damaged header", n, t.Offset)
		case n > 0:
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(h.tensors[a].Offset, h.tensors[b].Offset) })
	for i := 1; i < len(order); i++ {
		a, b := h.tensors[order[i-1]], h.tensors[order[i]]
		if a.Offset+a.Size() > b.Offset {
			return fault.Op("gguf").File(file).Tensor(b.Name).Corrupt("its data overlap with those of tensor %q", a.Name)
		}
	}
	return nil
}

// pad rounds n up to a multiple of a power of two.
func pad(n, alignment int64) int64 { return (n + alignment - 1) &^ (alignment - 1) }
