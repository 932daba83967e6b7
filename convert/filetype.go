package convert

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
)

// FileType is the type of most tensors of a file, with the numbers of the key
// general.file_type.
type FileType uint32

// The file types that conversion writes by itself.
const (
	F32  FileType = 0
	F16  FileType = 1
	Q8_0 FileType = 7
	BF16 FileType = 32
	Auto FileType = 1024 // the type of the first matrix: BF16 or F16

	// Source keeps each matrix in the type of the checkpoint, for a quantizer
	// to read; FP8 and others as F32. A file is labelled as with Auto.
	Source FileType = 1025

	// mixed is what a file is called whose matrices all keep their types, with
	// experts in MXFP4; it cannot be asked for.
	mixed FileType = 38
)

var fileTypes = []struct {
	id      FileType
	name    string
	tensors gguf.Type
}{
	{F32, "f32", gguf.TypeF32},
	{F16, "f16", gguf.TypeF16},
	{Q8_0, "q8_0", gguf.TypeQ8_0},
	{BF16, "bf16", gguf.TypeBF16},
	{Auto, "auto", gguf.TypeF16},
	{Source, "source", gguf.TypeF32},
}

// encodedTypes are what a file is called whose matrices mostly keep the codes
// of a quantized checkpoint; they cannot be asked for.
var encodedTypes = []struct {
	id      FileType
	name    string
	tensors gguf.Type
}{
	{2, "q4_0", gguf.TypeQ4_0},
	{3, "q4_1", gguf.TypeQ4_1},
	{8, "q5_0", gguf.TypeQ5_0},
	{9, "q5_1", gguf.TypeQ5_1},
	{Q8_0, "q8_0", gguf.TypeQ8_0},
	{mixed, "mxfp4_moe", gguf.TypeMXFP4},
	{39, "nvfp4", gguf.TypeNVFP4},
}

// ParseFileType finds a file type by name, in any case.
func ParseFileType(name string) (FileType, bool) {
	for _, t := range fileTypes {
		if strings.EqualFold(name, t.name) {
			return t.id, true
		}
	}
	return 0, false
}

// String returns the name that ParseFileType takes.
func (t FileType) String() string {
	for _, f := range slices.Concat(fileTypes, encodedTypes) {
		if f.id == t {
			return f.name
		}
	}
	return "unknown"
}

// tensorType returns the type of ordinary matrices of a file.
func (t FileType) tensorType() gguf.Type {
	for _, f := range fileTypes {
		if f.id == t {
			return f.tensors
		}
	}
	return gguf.TypeF32
}

// resolve replaces Auto by the type of the first 16-bit matrix: what
// config.json says of it is wrong too often.
func (t FileType) resolve(all []source) FileType {
	if t != Auto && t != Source {
		return t
	}
	for _, s := range all {
		switch {
		case len(s.shape) < 2:
		case s.stored == dtype.BF16:
			return BF16
		case s.stored == dtype.F16:
			return F16
		}
	}
	return F16
}

// typeOf chooses the type of one tensor: F32 for vectors, norms, what the
// architecture marks and what is not a weight; F16 where the row length is not
// a multiple of the block length.
func (t FileType) typeOf(o target) gguf.Type {
	if kept, ok := keptType(o); ok {
		return kept
	}
	switch {
	case len(o.shape) <= 1, o.f32, strings.HasSuffix(o.name, "_norm.weight"), !strings.HasSuffix(o.name, ".weight"):
		return gguf.TypeF32
	case t == Source && o.rows.DType == dtype.BF16:
		return gguf.TypeBF16
	case t == Source && o.rows.DType == dtype.F16:
		return gguf.TypeF16
	}
	chosen := t.tensorType()
	if _, ok := chosen.RowBytes(o.shape[0]); !ok {
		return gguf.TypeF16
	}
	return chosen
}

// keptType returns the type of a tensor whose type is not up to the caller:
// what is encoded already, whole numbers, and matrices of an architecture
// that keeps all types. There 8-bit floats become Q8_0.
func keptType(o target) (gguf.Type, bool) {
	if o.encoded != nil {
		return o.encoded.Type, true
	}
	if o.rows.DType == dtype.I32 {
		return gguf.TypeI32, true
	}
	if !o.keeps || len(o.shape) < 2 {
		return 0, false
	}
	switch o.stored {
	case dtype.F8E4M3, dtype.F8E5M2:
		_, fits := gguf.TypeQ8_0.RowBytes(o.shape[0])
		return gguf.TypeQ8_0, fits
	case dtype.BF16:
		return gguf.TypeBF16, true
	case dtype.F32:
		return gguf.TypeF32, true
	}
	return 0, false
}
