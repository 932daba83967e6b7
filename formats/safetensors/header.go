package safetensors

import (
	"math"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// Limits that keep the index of a hostile header small. The largest shards
// published hold a few thousand tensors.
const (
	maxTensors    = 1 << 18
	maxMetadata   = 1 << 16
	maxRank       = 64
	maxDimensions = 1 << 21 // of all shapes together
)

// header parses the whole text: one object of tensors and __metadata__.
func (p *parser) header() error {
	p.tensors = make([]Tensor, 0, min(strings.Count(p.text, `"data_offsets"`), maxTensors))
	seen := false
	if err := p.object(func(name string) error {
		if name != "__metadata__" {
			return p.entry(name)
		}
		if seen {
			return fault.Corrupt("__metadata__ occurs twice in the header")
		}
		seen = true
		return p.readMetadata()
	}); err != nil {
		return err
	}
	p.space()
	if p.pos < len(p.text) {
		return p.bad("bytes after the closing brace of the header")
	}
	return nil
}

func (p *parser) readMetadata() error {
	if p.literal("null") {
		return nil
	}
	p.metadata = map[string]string{}
	return p.object(func(key string) error {
		if p.peek() != '"' {
			return fault.Corrupt("__metadata__ %s: the value is not a string", quote(key))
		}
		value, err := p.str()
		if err != nil {
			return err
		}
		if _, twice := p.metadata[key]; twice {
			return fault.Corrupt("__metadata__ %s: the key occurs twice", quote(key))
		}
		if len(p.metadata) == maxMetadata {
			return fault.Corrupt("__metadata__ has more than %d keys", maxMetadata)
		}
		p.metadata[key] = value
		return nil
	})
}

// entry parses {"dtype": …, "shape": …, "data_offsets": …}.
func (p *parser) entry(name string) error {
	if len(p.tensors) == maxTensors {
		return fault.Corrupt("header lists more than %d tensors", maxTensors)
	}
	var e fields
	err := p.object(func(field string) (err error) {
		i := slices.Index(fieldNames[:], field)
		if i < 0 {
			return fault.Corrupt("field %s is not dtype, shape or data_offsets", quote(field))
		}
		if e.seen[i] {
			return fault.Corrupt("field %q occurs twice", field)
		}
		e.seen[i] = true
		switch field {
		case "dtype":
			e.dtype, err = p.str()
		case "shape":
			e.rank, err = p.list(field, e.shape[:])
		case "data_offsets":
			e.ends, err = p.list(field, e.offsets[:])
		}
		return err
	})
	t := Tensor{Name: name}
	if err == nil {
		t.Shape, err = p.keep(e.shape[:e.rank])
	}
	if err == nil {
		err = e.complete(&t)
	}
	if err != nil {
		return tensorError(name, err)
	}
	p.tensors = append(p.tensors, t)
	return nil
}

var fieldNames = [...]string{"dtype", "shape", "data_offsets"}

// fields are the values of one entry as written.
type fields struct {
	seen    [len(fieldNames)]bool
	dtype   string
	shape   [maxRank]int64
	rank    int
	offsets [2]int64
	ends    int // how many offsets were given
}

// complete checks the fields against each other and fills in all of t but name
// and shape. The offset is still relative to the data.
func (e *fields) complete(t *Tensor) error {
	for i, field := range fieldNames {
		if !e.seen[i] {
			return fault.Corrupt("field %q is missing", field)
		}
	}
	if e.ends != 2 {
		return fault.Corrupt("data_offsets has %d numbers, want 2", e.ends)
	}
	d, ok := dtype.Parse(e.dtype)
	if !ok {
		return fault.Unsupported("dtype %s is not one of the format's types", quote(e.dtype))
	}
	t.DType, t.Offset, t.Size = d, e.offsets[0], e.offsets[1]-e.offsets[0]
	if t.Size < 0 {
		return fault.Corrupt("data_offsets %v end before they begin", e.offsets)
	}
	want, err := t.bytes()
	if err != nil {
		return err
	}
	if t.Size != want {
		return fault.Corrupt("data_offsets span %d bytes, but shape %v of %s has %d", t.Size, t.Shape, d, want)
	}
	return nil
}

// bytes is the size that shape and type give.
func (t *Tensor) bytes() (int64, error) {
	elements := int64(1)
	for _, n := range t.Shape {
		if n < 0 || n > 0 && elements > math.MaxInt64/n {
			return 0, fault.Corrupt("the product of shape %v overflows", t.Shape)
		}
		elements *= n
	}
	size, ok := t.DType.Bytes(elements)
	if !ok {
		return 0, fault.Corrupt("%d elements of %s overflow or do not fill whole bytes", elements, t.DType)
	}
	return size, nil
}

func tensorError(name string, err error) error {
	return fault.Tensor(name).Of(err)
}
