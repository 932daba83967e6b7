package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// Named is a tensor to be written.
type Named struct {
	Name  string
	DType dtype.DType
	Shape []int64
	Data  []byte // little endian, of exactly the size that shape and type give
}

// Write writes a whole file from memory, in the layout of Header.
func Write(w io.Writer, tensors []Named, metadata map[string]string) error {
	data := make(map[string][]byte, len(tensors))
	plan := make([]Tensor, 0, len(tensors))
	for _, t := range tensors {
		size, err := byteSize(t.Name, t.DType, t.Shape)
		if err != nil {
			return err
		}
		if size != int64(len(t.Data)) {
			return fault.Op("safetensors").Tensor(t.Name).Invalid("%d bytes given, but shape %v of %s has %d", len(t.Data), t.Shape, t.DType, size)
		}
		data[t.Name] = t.Data
		plan = append(plan, Tensor{Name: t.Name, DType: t.DType, Shape: t.Shape})
	}
	header, plan, err := Header(plan, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range plan {
		if _, err := w.Write(data[t.Name]); err != nil {
			return err
		}
	}
	return nil
}

// Header lays a file out without its data, for writers that stream: it returns
// the file's first bytes, and the tensors in the order in which their bytes
// follow, with Offset and Size filled in. Widest types come first, as the
// format advises for alignment, then names in order.
func Header(tensors []Tensor, metadata map[string]string) ([]byte, []Tensor, error) {
	plan := slices.Clone(tensors)
	slices.SortFunc(plan, func(a, b Tensor) int {
		if a.DType.Bits() != b.DType.Bits() {
			return b.DType.Bits() - a.DType.Bits()
		}
		return strings.Compare(a.Name, b.Name)
	})
	var text bytes.Buffer
	text.Write(make([]byte, 8)) // the length
	text.WriteByte('{')
	member := func(key string, value any) error {
		if text.Len() > len("12345678{") {
			text.WriteByte(',')
		}
		k, err := json.Marshal(key)
		if err != nil {
			return err
		}
		v, err := json.Marshal(value)
		if err != nil {
			return err
		}
		text.Write(k)
		text.WriteByte(':')
		text.Write(v)
		return nil
	}
	if len(metadata) > 0 {
		if err := member("__metadata__", metadata); err != nil {
			return nil, nil, err
		}
	}
	seen := make(map[string]bool, len(plan))
	end := int64(0)
	for i := range plan {
		t := &plan[i]
		size, err := byteSize(t.Name, t.DType, t.Shape)
		if err != nil {
			return nil, nil, err
		}
		t.Offset, t.Size = end, size
		if end += size; end < 0 {
			return nil, nil, fault.Op("safetensors").Invalid("the tensors' sizes add up to more than 63 bits")
		}
		if seen[t.Name] {
			return nil, nil, fault.Op("safetensors").Tensor(t.Name).Invalid(" is given twice")
		}
		seen[t.Name] = true
		if err := member(t.Name, entry{t.DType.String(), append([]int64{}, t.Shape...), [2]int64{t.Offset, end}}); err != nil {
			return nil, nil, err
		}
	}
	text.WriteByte('}')
	for text.Len()%8 != 0 {
		text.WriteByte(' ')
	}
	header := text.Bytes()
	if len(header)-8 > MaxHeader {
		return nil, nil, fault.Op("safetensors").Invalid("the header would be longer than the format allows")
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-8))
	for i := range plan {
		plan[i].Offset += int64(len(header))
	}
	return header, plan, nil
}

type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

func byteSize(name string, d dtype.DType, shape []int64) (int64, error) {
	t := Tensor{Name: name, DType: d, Shape: shape}
	if name == "__metadata__" {
		return 0, fault.Op("safetensors").Invalid("a tensor cannot be named __metadata__")
	}
	size, err := t.bytes()
	if err != nil {
		return 0, fault.Op("safetensors").Tensor(name).Invalid("%w", err)
	}
	return size, nil
}
