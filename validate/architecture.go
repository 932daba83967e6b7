package validate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/f190792d/mq/convert/arch"
	"github.com/f190792d/mq/formats/gguf"
)

// architecture checks the key-values and tensors against the table of
// architectures.
func (v *validation) architecture() {
	kvs := v.file.KVs()
	if v.Arch == "" {
		v.add(Finding{Check: Architecture, Severity: Fail, Key: "general.architecture", Message: "it is missing or not a string"})
		v.done(Architecture, "not named")
		return
	}
	a, known := arch.ByName(v.Arch)
	if !known {
		v.add(Finding{Check: Architecture, Severity: Warning, Key: "general.architecture",
			Message: fmt.Sprintf("%q is not known here: neither key-values nor tensors can be checked", v.Arch)})
		v.done(Architecture, "%s, unknown", v.Arch)
		return
	}
	if len(v.file.Tensors()) == 0 {
		v.skip(Architecture, "%s, a vocabulary without tensors", v.Arch)
		return
	}
	h, err := arch.FromGGUF(kvs)
	if err != nil {
		v.add(Finding{Check: Architecture, Severity: Fail, Message: err.Error()})
		v.done(Architecture, "%s, with unusable key-values", v.Arch)
		return
	}
	if e, ok := v.file.Lookup("token_embd.weight"); ok && h.Vocab == 0 {
		h.Vocab = int(e.Rows())
	}
	v.arch, v.hyper = &a, h
	v.checkKeys()
	v.checkTensors()
	v.done(Architecture, "%s, %d layers of width %d, all of %d tensors looked up", v.Arch, h.Layers, h.Embed, len(v.file.Tensors()))
}

// neededKeys are those that ggml's loaders do not do without.
var neededKeys = []string{"block_count", "context_length", "embedding_length", "attention.head_count", "attention.layer_norm_rms_epsilon"}

// checkKeys checks presence and types of the architecture's key-values: a
// loader that asks for an u32 refuses an i32.
func (v *validation) checkKeys() {
	kvs := v.file.KVs()
	for _, key := range neededKeys {
		if key = v.Arch + "." + key; !kvs.Has(key) {
			v.add(Finding{Check: Architecture, Severity: Fail, Key: key, Message: "it is missing"})
		}
	}
	if v.hyper.MoE.Experts > 0 && v.hyper.MoE.Used == 0 {
		v.add(Finding{Check: Architecture, Severity: Fail, Key: v.Arch + ".expert_used_count", Message: "it is missing or 0 in a model with experts"})
	}
	for _, p := range slices.Concat(arch.Common, v.arch.Params) {
		key := v.Arch + "." + p.Key
		value, ok := kvs.Get(key)
		want, applies := p.From(v.hyper)
		if !ok || !applies || isList(value) || isList(want) {
			continue
		}
		if got := fmt.Sprintf("%T", value); got != fmt.Sprintf("%T", want) {
			v.add(Finding{Check: Architecture, Severity: Fail, Key: key, Message: fmt.Sprintf("the value is of type %s and should be of type %T", got, want)})
		}
	}
}

func isList(value any) bool { return reflect.ValueOf(value).Kind() == reflect.Slice }

// checkTensors looks every tensor up that the architecture needs, and finds
// those that it does not know.
func (v *validation) checkTensors() {
	required, known := v.wanted()
	for _, name := range required {
		if _, ok := v.file.Lookup(name); !ok {
			v.add(Finding{Check: Architecture, Severity: Fail, Tensor: name, Message: "it is missing; " + v.Arch + " needs it"})
		}
	}
	for _, t := range v.file.Tensors() {
		shapes, ok := known[t.Name]
		if !ok {
			v.add(Finding{Check: Architecture, Severity: Warning, Tensor: t.Name, Message: v.Arch + " has no such tensor"})
			continue
		}
		got := gguf.TrimShape(t.Shape)
		if !slices.ContainsFunc(shapes, func(s []int64) bool { return slices.Equal(gguf.TrimShape(s), got) }) {
			v.add(Finding{Check: Architecture, Severity: Fail, Tensor: t.Name, Message: fmt.Sprintf("shape %v should be %v", t.Shape, shapes[0])})
		}
	}
}

// wanted lists the tensors that must be there, and for all that may be there
// the shapes that they may have, fastest dimension first.
func (v *validation) wanted() (required []string, known map[string][][]int64) {
	known = map[string][][]int64{}
	optional := map[string]bool{}
	for _, t := range v.arch.Tensors {
		layers := 1
		if t.PerLayer() {
			layers = v.hyper.Layers + v.hyper.MTPLayers
		}
		for layer := range layers {
			if t.In(v.hyper, layer) {
				name := arch.Fill(t.Target, layer, 0)
				known[name] = append(known[name], targetShape(t, v.hyper))
				optional[name] = optional[name] || t.Optional
			}
		}
	}
	for _, e := range v.arch.Extra {
		// The values depend on parameters that the file holds in this very
		// tensor, so that only its presence can be said to be right.
		if t, ok := v.file.Lookup(e.Target); ok {
			known[e.Target] = [][]int64{t.Shape}
		}
	}
	for name := range known {
		if !optional[name] && !v.isExtra(name) {
			required = append(required, name)
		}
	}
	slices.SortFunc(required, strings.Compare)
	return required, known
}

func (v *validation) isExtra(name string) bool {
	return slices.ContainsFunc(v.arch.Extra, func(e arch.Extra) bool { return e.Target == name })
}

// targetShape is the shape that a template's result has in the file, fastest
// dimension first.
func targetShape(t arch.Tensor, h arch.Hyper) []int64 {
	shape := make([]int64, len(t.Shape))
	for i, length := range t.Shape {
		shape[i] = int64(length(h))
	}
	switch n := len(shape); t.Op.Kind {
	case arch.Transpose:
		shape[n-2], shape[n-1] = shape[n-1], shape[n-2]
	case arch.LatentKey:
		shape = []int64{int64(h.Heads), shape[1], int64(h.MLA.NopeDim)}
	case arch.LatentValue:
		shape = []int64{int64(h.Heads), int64(h.ValueDim), shape[1]}
	}
	if t.Op.Parts > 1 {
		shape[len(shape)-2] /= int64(t.Op.Parts)
	}
	if t.PerExpert() {
		shape = append([]int64{int64(h.MoE.Experts)}, shape...)
	}
	slices.Reverse(shape)
	return shape
}
