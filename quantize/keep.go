package quantize

import (
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// Keep plans a file that holds a source as it is, with a display name:
// every tensor in its type and place, the key-values unchanged. It is how a
// conversion without quantization is written.
func Keep(name string, kvs gguf.KVs, tensors []gguf.TensorInfo) (*Plan, error) {
	plan := &Plan{Recipe: Recipe{Name: name, copies: true}, Tensors: make([]Choice, len(tensors))}
	for i, t := range tensors {
		plan.Tensors[i] = Choice{Info: t, Source: i, From: t.Type, Wanted: t.Type}
	}
	if err := plan.place(kvs.Clone(), false); err != nil {
		return nil, err
	}
	plan.summarize(func(i int) gguf.TensorInfo { return tensors[i] })
	return plan, nil
}

// Arrange plans files whose layouts are given, with the tensors of a source as
// they are.
func Arrange(files []*gguf.Plan, tensors []gguf.TensorInfo) (*Plan, error) {
	plan := &Plan{Recipe: Recipe{Name: "COPY", copies: true}, Files: files}
	source := map[string]int{}
	for i, t := range tensors {
		source[t.Name] = i
	}
	for n, file := range files {
		for index, t := range file.Tensors {
			i, ok := source[t.Name]
			if !ok {
				return nil, fault.Op("quantize").Tensor(t.Name).Invalid("the source does not have it")
			}
			plan.Tensors = append(plan.Tensors, Choice{Info: t, Source: i, From: tensors[i].Type, Wanted: t.Type, File: n, index: index})
		}
	}
	plan.summarize(func(i int) gguf.TensorInfo { return tensors[i] })
	return plan, nil
}
