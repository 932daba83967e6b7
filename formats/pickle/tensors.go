package pickle

import (
	"io"
	"math"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// Tensor locates one tensor in the file.
type Tensor struct {
	Name   string
	DType  dtype.DType
	Shape  []int64 // slowest dimension first
	Offset int64   // of the first byte, from the start of the file
	Size   int64   // in bytes
}

// Tensors lists the tensors of a file of the given size in the order in which
// the dictionary has them; name is used in errors. Tensors that share a storage
// share bytes.
func Tensors(r io.ReaderAt, size int64, name string) ([]Tensor, error) {
	a, err := openArchive(r, size)
	if err == nil {
		var tensors []Tensor
		if tensors, err = a.tensors(); err == nil {
			return tensors, nil
		}
	}
	return nil, fault.Op("pickle").File(name).Of(err)
}

// tensors reads data.pkl and finds each tensor's bytes.
func (a *archive) tensors() ([]Tensor, error) {
	code, err := a.read("data.pkl", maxPickle)
	if err != nil {
		return nil, err
	}
	result, err := run(code)
	if err != nil {
		return nil, err
	}
	d, ok := result.(*dict)
	if !ok {
		return nil, fault.Unsupported("it holds something other than a dictionary of tensors; save the state_dict as safetensors")
	}
	var out []Tensor
	seen := map[string]bool{}
	for i, v := range d.values {
		key, ok := d.keys[i].(string)
		t, ok2 := v.(*tensor)
		if !ok || !ok2 {
			return nil, fault.Unsupported("entry %d of its dictionary is not a named tensor; save the state_dict alone as safetensors", i)
		}
		if seen[key] {
			return nil, fault.Tensor(key).Corrupt("the name occurs twice")
		}
		seen[key] = true
		located, err := a.place(key, t)
		if err != nil {
			return nil, err
		}
		out = append(out, located)
	}
	return out, nil
}

// place checks a tensor against the file of its storage.
func (a *archive) place(key string, t *tensor) (Tensor, error) {
	offset, size, err := a.locate("data/" + t.storage.key)
	if err != nil {
		return Tensor{}, err
	}
	if held, ok := t.storage.dtype.Bytes(t.storage.count); t.storage.dtype != dtype.Invalid && (!ok || held > size) {
		return Tensor{}, fault.Tensor(key).Corrupt("its storage of %d %s does not fit a file of %d bytes", t.storage.count, t.storage.dtype, size)
	}
	elements, overflow := int64(1), false
	contiguous := true
	for i := len(t.shape) - 1; i >= 0; i-- {
		n := t.shape[i]
		contiguous = contiguous && (n == 1 || t.stride[i] == elements)
		if n > 0 && elements > math.MaxInt64/n {
			overflow = true
			break
		}
		elements *= n
	}
	first, ok := t.dtype.Bytes(t.start)
	bytes, ok2 := t.dtype.Bytes(elements)
	if overflow || !ok || !ok2 || first > size || bytes > size-first {
		return Tensor{}, fault.Tensor(key).Corrupt("shape %v of %s does not fit the %d bytes of its storage", t.shape, t.dtype, size)
	}
	if !contiguous && elements > 0 {
		return Tensor{}, fault.Tensor(key).Unsupported(" is a strided view (transposed or sliced); save it contiguous, as safetensors")
	}
	return Tensor{key, t.dtype, t.shape, offset + first, bytes}, nil
}
