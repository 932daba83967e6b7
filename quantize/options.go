package quantize

import (
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// Options say how a file is to be quantized. The zero value of each field but
// Recipe asks for nothing.
type Options struct {
	Recipe Recipe

	Pure        bool        // every tensor gets the recipe's default type
	Overrides   []Override  // types by name; the first that matches counts
	OutputType  *gguf.Type  // of output.weight, and of a token_embd.weight that serves as output
	EmbedType   *gguf.Type  // of token_embd.weight and per_layer_token_embd.weight
	LeaveOutput bool        // output.weight keeps its type
	Like        *Like       // the types of another file come before the recipe
	Importance  *Importance // weights of the columns

	AllowRequantize bool // a source may be quantized already
	NoFallback      bool // rows that do not fit the chosen type are an error
	KeepSplit       bool // one file for each file of the source

	PruneLayers []int        // layers to leave out; the others are renumbered
	KVs         []KVOverride // key-values to set
}

// Like holds the types of another file, to be taken over tensor by tensor.
type Like struct {
	types    map[string]gguf.Type
	fileType *uint32
}

// NewLike takes the types from the header of a file.
func NewLike(kvs gguf.KVs, tensors []gguf.TensorInfo) *Like {
	l := &Like{types: make(map[string]gguf.Type, len(tensors))}
	for _, t := range tensors {
		l.types[t.Name] = t.Type
	}
	if n, ok := kvs.Uint(keyFileType); ok {
		fileType := uint32(n)
		l.fileType = &fileType
	}
	return l
}

// ParseLayers reads a list such as "3,4,20" and returns it sorted, each
// layer once.
func ParseLayers(s string) ([]int, error) {
	var layers []int
	for field := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseUint(field, 10, 31)
		if err != nil {
			return nil, fault.Op("quantize").Invalid("layers %q: %q is not a layer number", s, field)
		}
		layers = append(layers, int(n))
	}
	slices.Sort(layers)
	return slices.Compact(layers), nil
}
