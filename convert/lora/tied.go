package lora

import (
	"slices"
	"strings"

	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// Model is what an adapter does not tell of the model that it changes.
type Model struct {
	Embedding string                 // in the checkpoint where it is the output matrix too; empty where it is not
	Head      string                 // name of an output matrix of its own; empty where a file can have none
	Turned    func(name string) bool // whether a tensor has its inputs along the rows
}

// part gives the model an output matrix of its own where an adapter has a whole
// one in place of it or of the embedding: PEFT copies the module that it saves,
// and the other stays as it was. Where the adapter keeps them tied, it may hold
// the one matrix twice.
func (m Model) part(tensors []unpack.Tensor, list []*change, from hf.Adapter) ([]unpack.Tensor, []*change, error) {
	index := newIndex(tensors)
	at, ok := index.byName[m.Embedding]
	if _, own := index.byName[m.Head]; !ok || own {
		return tensors, list, nil
	}
	var embedding, head *change
	for _, c := range list {
		if found, err := index.find(c.name); err == nil && found == at {
			embedding = c
		} else if m.Head != "" && isNamed(c.name, m.Head) {
			head = c
		}
	}
	if head != nil && !head.replace {
		return nil, nil, fault.Op("lora").Folder(from.Name()).Tensor(head.name).Unsupported("the adapter has factors of an output matrix that is the embedding as well, which a merge would change too; save the base with tie_word_embeddings false and both matrices")
	}
	saved, err := m.saved(from)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case saved && (head != nil || embedding != nil && embedding.replace), head != nil && embedding == nil:
	case head != nil:
		return tensors, slices.DeleteFunc(list, func(c *change) bool { return c == head }), nil
	default:
		return tensors, list, nil
	}
	if m.Head == "" {
		return nil, nil, fault.Op("lora").Folder(from.Name()).Tensor(m.Embedding).Unsupported("the adapter changes the embedding and leaves the output matrix as it is in the base, but a file of this architecture has one matrix for both; train it with ensure_weight_tying")
	}
	own := tensors[at]
	own.Name = m.Head
	return append(tensors, own), list, nil
}

// saved reports whether an adapter has a copy of one of the matrices that is
// not tied to the other.
func (m Model) saved(from hf.Adapter) (bool, error) {
	if keeps, err := from.Config().BoolOr("ensure_weight_tying", false); err != nil || keeps {
		return false, err
	}
	v, _ := from.Config().Value("modules_to_save")
	modules, _ := v.([]any)
	return slices.ContainsFunc(modules, func(v any) bool {
		name, _ := v.(string)
		module := name[strings.LastIndexByte(name, '.')+1:] + ".weight"
		return isNamed(m.Embedding, module) || isNamed(m.Head, module)
	}), nil
}

// isNamed reports whether a tensor's name is own, in a model or in a part of
// a larger one.
func isNamed(name, own string) bool { return strings.HasSuffix("."+name, "."+own) }
