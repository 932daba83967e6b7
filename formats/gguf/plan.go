package gguf

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// maxWriteName is the longest tensor name that ggml reads.
const maxWriteName = 63

// Plan is a file before its data: the header is final and every tensor has
// its place. Make one with [NewPlan]; a Plan is not changed afterwards.
type Plan struct {
	KVs       KVs
	Tensors   []TensorInfo // with the offsets that the plan gave them
	Alignment int          // in bytes

	header []byte // up to the data section, padded
	size   int64  // of the whole file
}

// NewPlan lays out a file with the given key-values and tensors, in their
// order. It sets the offsets; those of the argument do not matter. The
// alignment is that of the key general.alignment, or 32.
func NewPlan(kvs KVs, tensors []TensorInfo) (*Plan, error) {
	p := &Plan{KVs: kvs.Clone(), Tensors: slices.Clone(tensors), Alignment: DefaultAlignment}
	if err := p.checkKVs(); err != nil {
		return nil, err
	}
	data, err := p.place()
	if err != nil {
		return nil, err
	}
	if err := p.encode(); err != nil {
		return nil, err
	}
	p.size = int64(len(p.header)) + data
	if p.size < 0 {
		return nil, fault.Op("gguf").Invalid("the size of the file overflows")
	}
	return p, nil
}

// HeaderBytes returns the file up to its data section.
func (p *Plan) HeaderBytes() []byte { return p.header }

// DataOffset returns where the data section begins.
func (p *Plan) DataOffset() int64 { return int64(len(p.header)) }

// TotalSize returns the size of the file, with the padding after the last
// tensor.
func (p *Plan) TotalSize() int64 { return p.size }

// TensorOffset returns where tensor i begins, from the start of the file.
func (p *Plan) TensorOffset(i int) int64 { return p.DataOffset() + p.Tensors[i].Offset }

// Padding returns the number of zeros that follow tensor i.
func (p *Plan) Padding(i int) int64 {
	n := p.Tensors[i].Size()
	return pad(n, int64(p.Alignment)) - n
}

func (p *Plan) checkKVs() error {
	seen := map[string]bool{}
	for _, kv := range p.KVs {
		switch {
		case kv.Key == "":
			return fault.Op("gguf").Invalid("a key is empty")
		case len(kv.Key) > maxKeyLen:
			return fault.Op("gguf").Invalid("key %.40q: its %d bytes are more than %d", kv.Key, len(kv.Key), maxKeyLen)
		case seen[kv.Key]:
			return fault.Op("gguf").Key(kv.Key).Invalid("the key occurs twice")
		}
		seen[kv.Key] = true
	}
	v, ok := p.KVs.Get(AlignmentKey)
	if !ok {
		return nil
	}
	a, ok := v.(uint32)
	if !ok || bits.OnesCount32(a) != 1 {
		return fault.Op("gguf").Key(AlignmentKey).Invalid("%v should be a power of two of type u32", v)
	}
	if a > maxAlignment {
		return fault.Op("gguf").Key(AlignmentKey).Invalid("%d is above %d bytes", a, maxAlignment)
	}
	p.Alignment = int(a)
	return nil
}

// place sets the offsets and returns the size of the data section.
func (p *Plan) place() (int64, error) {
	var next int64
	seen := map[string]bool{}
	for i := range p.Tensors {
		t := &p.Tensors[i]
		switch {
		case len(t.Name) > maxWriteName:
			return 0, fault.Op("gguf").Tensor(t.Name).Invalid("its name of %d bytes is longer than the %d that ggml reads", len(t.Name), maxWriteName)
		case seen[t.Name]:
			return 0, fault.Op("gguf").Tensor(t.Name).Invalid("the name occurs twice")
		case len(t.Shape) > maxDims:
			return 0, fault.Op("gguf").Tensor(t.Name).Invalid("%d dimensions are more than %d", len(t.Shape), maxDims)
		case t.Size() < 0:
			return 0, fault.Op("gguf").Tensor(t.Name).Invalid("shape %v does not fit type %s", t.Shape, t.Type)
		}
		seen[t.Name] = true
		t.Offset, t.part = next, 0
		if next += pad(t.Size(), int64(p.Alignment)); next < t.Offset {
			return 0, fault.Op("gguf").Tensor(t.Name).Invalid("the size of the file overflows")
		}
	}
	return next, nil
}

// encode builds the header.
func (p *Plan) encode() error {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte(magic), 3)
	b = le.AppendUint64(b, uint64(len(p.Tensors)))
	b = le.AppendUint64(b, uint64(len(p.KVs)))
	for _, kv := range p.KVs {
		var err error
		if b, err = kv.Append(b); err != nil {
			return err
		}
	}
	for _, t := range p.Tensors {
		b = appendString(b, t.Name)
		b = le.AppendUint32(b, uint32(len(t.Shape)))
		for _, n := range t.Shape {
			b = le.AppendUint64(b, uint64(n))
		}
		b = le.AppendUint32(b, uint32(t.Type))
		b = le.AppendUint64(b, uint64(t.Offset))
	}
	b = append(b, make([]byte, pad(int64(len(b)), int64(p.Alignment))-int64(len(b)))...)
	p.header = b
	return nil
}

// Append encodes a key-value as a header holds it.
func (kv KV) Append(b []byte) ([]byte, error) {
	t, isArray, ok := typeOf(kv.Value)
	if !ok {
		return b, fault.Op("gguf").Key(kv.Key).Invalid("a file cannot hold a value of type %T", kv.Value)
	}
	if isArray {
		t = ArrayType
	}
	b = binary.LittleEndian.AppendUint32(appendString(b, kv.Key), uint32(t))
	if b, ok = appendValue(b, kv.Value, 0); !ok {
		return b, fault.Op("gguf").Key(kv.Key).Invalid("an array holds something that a file cannot")
	}
	return b, nil
}

func appendString(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

// appendValue encodes a value; an array with the type of its items and its
// length before them. It reports false for a value that has no encoding.
func appendValue(b []byte, value any, depth int) ([]byte, bool) {
	le := binary.LittleEndian
	t, isArray, ok := typeOf(value)
	if !ok || depth > maxDepth {
		return b, false
	}
	if isArray {
		b = le.AppendUint32(b, uint32(t))
		b = le.AppendUint64(b, uint64(arrayLen(value)))
	}
	switch v := value.(type) {
	case string:
		return appendString(b, v), true
	case []string:
		size := 8 * len(v)
		for _, s := range v {
			size += len(s)
		}
		b = slices.Grow(b, size)
		for _, s := range v {
			b = appendString(b, s)
		}
		return b, true
	case Array:
		for _, item := range v {
			if _, nested, _ := typeOf(item); !nested {
				return b, false
			}
			if b, ok = appendValue(b, item, depth+1); !ok {
				return b, false
			}
		}
		return b, true
	}
	b, err := binary.Append(b, le, value)
	return b, err == nil
}
