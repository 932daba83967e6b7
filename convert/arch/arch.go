package arch

import (
	"slices"
	"strings"
)

// Arch describes one model architecture.
type Arch struct {
	Name    string   // general.architecture of the GGUF file
	Classes []string // config.json "architectures" that it serves
	Prefix  []string // prefixes stripped from source names, e.g. "language_model."

	Params  []Param  // key-values beyond the common ones, in writing order
	Tensors []Tensor // every source tensor is consumed by exactly one source template …
	Ignore  []string // … or matches one of these templates

	Graph Graph // what the layers compute
}

// Param is one key-value of the GGUF file and where it comes from.
type Param struct {
	Key  string                  // below "ARCH.", e.g. "rope.dimension_count"
	From func(Hyper) (any, bool) // the typed value; false leaves the key out
}

// Tensor maps source tensors to one target tensor. Templates are whole names
// in which {i} stands for the layer and {e} for the expert. A target without
// {e} whose source has it stacks the experts along a new outermost dimension.
type Tensor struct {
	Source   string
	Target   string
	Op       Op   // the zero Op copies
	Optional bool // absent in some checkpoints of the architecture
	F32      bool // stays F32 in every file type (routers, convolutions …)
}

// Op names a transform of package transform with its arguments. Rows of a
// source tensor with the same Source and different Target each take a part.
type Op struct {
	Kind  OpKind
	Heads HeadCount // whose heads the rows belong to
	Part  int       // which part of a split
}

// OpKind enumerates the transforms.
type OpKind uint8

// The transforms. Shapes are written outermost dimension first, as in the
// checkpoint.
const (
	Copy        OpKind = iota
	RopePermute        // [H·D, …]: rows of a head from half-split to interleaved pairs
)

// HeadCount selects which number of heads a transform works with.
type HeadCount uint8

// The head counts.
const (
	NoHeads HeadCount = iota
	QueryHeads
	KVHeads
)

// Graph says what the layers compute; the zero value is the Llama decoder:
// pre-norm with RMS, grouped-query attention, SwiGLU, residual sums. Optional
// parts (biases, query/key norms, shared experts) follow from the tensors
// that are present.
type Graph struct {
	SourceRope RopeStyle // how the checkpoint pairs rotated dimensions
	GGUFRope   RopeStyle // how the GGUF file pairs them
}

// RopeStyle says which two dimensions of a head rotate together.
type RopeStyle uint8

// The rope styles.
const (
	RopeHalf        RopeStyle = iota // j with j + D/2 (ggml: NEOX)
	RopeInterleaved                  // 2j with 2j + 1 (ggml: NORM)
)

// All returns the architectures in the order of their names.
func All() []Arch {
	all := slices.Clone(table)
	slices.SortFunc(all, func(a, b Arch) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ByClass finds the architecture that serves a class of config.json.
func ByClass(class string) (Arch, bool) {
	for _, a := range table {
		if slices.Contains(a.Classes, class) {
			return a, true
		}
	}
	return Arch{}, false
}

// ByName finds the architecture that a GGUF file names.
func ByName(name string) (Arch, bool) {
	for _, a := range table {
		if a.Name == name {
			return a, true
		}
	}
	return Arch{}, false
}

// table lists the architectures; each value stands in the file of its family.
var table = []Arch{llama, qwen2}
