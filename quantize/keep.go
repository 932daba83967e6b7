package quantize

import "github.com/f190792d/mq/formats/gguf"

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
