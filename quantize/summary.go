package quantize

import (
	"encoding/json"

	"github.com/f190792d/mq/formats/gguf"
)

// Summary counts what a plan amounts to. Sizes are in bytes.
type Summary struct {
	Tensors     int     `json:"tensors"`
	Elements    int64   `json:"elements"`
	SourceBytes int64   `json:"source_bytes"` // of the tensors' data
	DataBytes   int64   `json:"data_bytes"`   // of the tensors' data
	FileBytes   int64   `json:"file_bytes"`   // with headers and padding
	NominalBits float64 `json:"nominal_bpw"`  // of the recipe's default type
	Bits        float64 `json:"bpw"`          // of the whole file's data
	Converted   int     `json:"converted"`    // tensors whose type changes
	Fallbacks   int     `json:"fallbacks"`    // tensors whose rows did not fit the type

	Types []TypeCount `json:"types"` // of the output, by id
}

// TypeCount is the share of one type in a file.
type TypeCount struct {
	Type    string `json:"type"`
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
}

// summarize counts; source gives the tensor of an index in the source.
func (p *Plan) summarize(source func(int) gguf.TensorInfo) {
	s := Summary{Tensors: len(p.Tensors), NominalBits: p.Recipe.Default.BitsPerWeight()}
	byType := map[gguf.Type]TypeCount{}
	for _, c := range p.Tensors {
		size := c.Info.Size()
		s.Elements += c.Info.Elements()
		s.SourceBytes += source(c.Source).Size()
		s.DataBytes += size
		if c.Converts() {
			s.Converted++
		}
		if c.Fallback() {
			s.Fallbacks++
		}
		n := byType[c.Info.Type]
		byType[c.Info.Type] = TypeCount{c.Info.Type.String(), n.Tensors + 1, n.Bytes + size}
	}
	for _, f := range p.Files {
		s.FileBytes += f.TotalSize()
	}
	if s.Elements > 0 {
		s.Bits = 8 * float64(s.DataBytes) / float64(s.Elements)
	}
	if p.Recipe.copies {
		s.NominalBits = s.Bits
	}
	for _, t := range gguf.Types() {
		if n, ok := byType[t]; ok {
			s.Types = append(s.Types, n)
		}
	}
	p.Summary = s
}

// MarshalJSON writes the plan without the key-values: recipe, summary,
// coverage, tensors.
func (p *Plan) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Recipe   string    `json:"recipe"`
		FileType uint32    `json:"file_type"`
		Files    int       `json:"files"`
		Summary  Summary   `json:"summary"`
		Coverage *Coverage `json:"imatrix,omitempty"`
		Tensors  []Choice  `json:"tensors"`
	}{p.Recipe.Name, p.Recipe.FileType, len(p.Files), p.Summary, p.Coverage, p.Tensors})
}

// MarshalJSON writes types by name.
func (c Choice) MarshalJSON() ([]byte, error) {
	out := struct {
		Name     string  `json:"name"`
		Shape    []int64 `json:"shape"`
		From     string  `json:"from"`
		To       string  `json:"to"`
		Wanted   string  `json:"wanted,omitempty"` // where a fallback was necessary
		Weighted bool    `json:"weighted,omitempty"`
		File     int     `json:"file,omitempty"`
		Offset   int64   `json:"offset"`
		Bytes    int64   `json:"bytes"`
	}{c.Info.Name, c.Info.Shape, c.From.String(), c.Info.Type.String(), "", c.weights != nil, c.File, c.Info.Offset, c.Info.Size()}
	if c.Fallback() {
		out.Wanted = c.Wanted.String()
	}
	return json.Marshal(out)
}
