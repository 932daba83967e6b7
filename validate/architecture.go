package validate

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
)

// architecture checks the key-values and tensors against the table of
// architectures.
func (v *validation) architecture() {
	kvs := v.kvs
	if v.Arch == "" {
		v.add(Finding{Check: Architecture, Severity: Fail, Key: "general.architecture", Message: "it is missing or not a string"})
		v.done(Architecture, "not named")
		return
	}
	a, err := arch.OfFile(kvs, v.Files.As)
	if err != nil {
		v.add(Finding{Check: Architecture, Severity: Warning, Key: "general.architecture",
			Message: fmt.Sprintf("%q is not known here: neither key-values nor tensors can be checked", v.Arch)})
		v.done(Architecture, "%s, unknown", v.Arch)
		return
	}
	if len(v.infos) == 0 {
		v.skip(Architecture, "%s, a vocabulary without tensors", v.Arch)
		return
	}
	h, err := a.FromGGUF(kvs)
	if err != nil {
		found := Finding{Check: Architecture, Severity: Fail, Message: err.Error()}
		if e := new(fault.Error); errors.As(err, &e) && e.Key != "" {
			found.Key, found.Message = e.Key, strings.TrimPrefix(e.Rule, " ")
		}
		v.add(found)
		v.done(Architecture, "%s, with unusable key-values", v.Arch)
		return
	}
	if e, ok := v.tensors["token_embd.weight"]; ok && h.Vocab == 0 {
		h.Vocab = int(e.Rows())
	}
	v.arch, v.hyper = &a, h
	v.checkKeys()
	v.checkTensors()
	v.done(Architecture, "%s, %d layers of width %d, all of %d tensors looked up", v.Arch, h.Layers, h.Embed, len(v.infos))
}

// neededKeys are those that ggml's loaders do not do without.
var neededKeys = map[string]Severity{"block_count": Fail, "context_length": Fail, "embedding_length": Fail, "attention.head_count": Fail}

// epsilonKeys hold the epsilon of each kind of norm.
var epsilonKeys = map[arch.NormKind]string{arch.RMSNorm: "attention.layer_norm_rms_epsilon", arch.LayerNorm: "attention.layer_norm_epsilon"}

// checkKeys checks presence and types of the architecture's key-values: a
// loader that asks for an u32 refuses an i32.
func (v *validation) checkKeys() {
	kvs := v.kvs
	for _, name := range slices.Sorted(maps.Keys(neededKeys)) {
		if key := v.Arch + "." + name; !kvs.Has(key) {
			v.add(Finding{Check: Architecture, Severity: neededKeys[name], Key: key, Message: "it is missing"})
		}
	}
	if m, err := arch.Describe(*v.arch, v.hyper); err == nil && m.Output.Norm != nil && m.Output.Norm.Eps == 0 {
		v.add(Finding{Check: Architecture, Severity: Fail, Key: v.Arch + "." + epsilonKeys[m.Output.Norm.Kind], Message: "it is missing or 0"})
	}
	if v.hyper.MoE.Experts > 0 && v.hyper.MoE.Used == 0 {
		v.add(Finding{Check: Architecture, Severity: Fail, Key: v.Arch + ".expert_used_count", Message: "it is missing or 0 in a model with experts"})
	}
	for _, p := range slices.Concat(v.arch.CommonParams(), v.arch.Params) {
		key := v.Arch + "." + p.Key
		value, ok := kvs.Get(key)
		want, applies := p.From(v.hyper)
		if ok && isList(value) {
			v.checkLength(key, p.Key, reflect.ValueOf(value).Len(), want, applies)
			continue
		}
		if !ok || !applies || isList(want) {
			continue
		}
		if got := fmt.Sprintf("%T", value); got != fmt.Sprintf("%T", want) {
			v.add(Finding{Check: Architecture, Severity: Fail, Key: key, Message: fmt.Sprintf("the value is of type %s and should be of type %T", got, want)})
		}
	}
}

// byLayer are the keys whose value may be a list with an entry for each layer.
var byLayer = []string{
	"attention.head_count", "attention.head_count_kv", "attention.recurrent_layers", "attention.sliding_window_pattern",
	"feed_forward_length", "attention.compress_ratios",
}

// checkLength checks how many entries a list has: those of the architecture's
// own list, or one for each layer, prediction layers counted or not.
func (v *validation) checkLength(key, name string, length int, want any, applies bool) {
	layers := v.hyper.Layers
	wrong := ""
	switch {
	case slices.Contains(byLayer, name):
		if length != layers && length != layers+v.hyper.MTPLayers {
			wrong = fmt.Sprint(layers)
		}
	case applies && isList(want):
		if n := reflect.ValueOf(want).Len(); length != n {
			wrong = fmt.Sprint(n)
		}
	}
	if wrong != "" {
		v.add(Finding{Check: Architecture, Severity: Fail, Key: key, Message: fmt.Sprintf("it has %d entries and should have %s", length, wrong)})
	}
}

func isList(value any) bool { return reflect.ValueOf(value).Kind() == reflect.Slice }

// checkTensors looks every tensor up that the architecture needs, and finds
// those that it does not know. Where several layouts share a name, the one
// that fits best is meant.
func (v *validation) checkTensors() {
	var missing []string
	known := map[string][][]int64{}
	first := true
	for _, a := range arch.Named(*v.arch) {
		required, shapes := v.wanted(a)
		absent := slices.DeleteFunc(required, func(name string) bool { _, ok := v.tensors[name]; return ok })
		if first || len(absent) < len(missing) {
			missing = absent
		}
		first = false
		for name, list := range shapes {
			known[name] = append(known[name], list...)
		}
	}
	if labels, ok := v.kvs.Strings(v.Arch + ".classifier.output_labels"); ok {
		known["cls.output.weight"] = [][]int64{{int64(v.hyper.Embed), int64(len(labels))}}
	}
	for _, name := range missing {
		v.add(Finding{Check: Architecture, Severity: Fail, Tensor: name, Message: "it is missing; " + v.Arch + " needs it"})
	}
	for _, t := range v.infos {
		shapes, ok := known[t.Name]
		if !ok {
			v.add(Finding{Check: Architecture, Severity: Warning, Tensor: t.Name, Message: v.Arch + " has no such tensor"})
			continue
		}
		got := gguf.TrimShape(t.Shape)
		if len(shapes) > 0 && !slices.ContainsFunc(shapes, func(s []int64) bool { return slices.Equal(gguf.TrimShape(s), got) }) {
			v.add(Finding{Check: Architecture, Severity: Fail, Tensor: t.Name, Message: fmt.Sprintf("shape %v should be %v", t.Shape, shapes[0])})
		}
	}
}

// wanted lists the tensors that must be there, and for all that may be there
// the shapes that they may have, fastest dimension first; none where the
// hyperparameters do not tell.
func (v *validation) wanted(a arch.Arch) (required []string, known map[string][][]int64) {
	known = map[string][][]int64{}
	optional := map[string]bool{}
	for _, t := range a.Tensors {
		if t.Listed {
			continue // no tensor of the file
		}
		layers := 1
		if t.PerLayer() {
			layers = min(v.hyper.Layers+v.hyper.MTPLayers, maxLayers)
		}
		for layer := range layers {
			shape, told := convert.TargetShape(t, v.hyper, layer)
			name := arch.Fill(t.Target, layer, 0)
			here := t.In(v.hyper, layer)
			if here && told {
				known[name] = append(known[name], shape)
			} else if _, ok := known[name]; !ok {
				known[name] = nil
			}
			// Layouts of a checkpoint that give the same target are each
			// other's alternative, parts of a layout that is absent are not.
			optional[name] = optional[name] || t.Optional || !here
		}
	}
	for _, e := range a.Extra {
		known[e.Target] = nil // whether it is there follows from itself
		optional[e.Target] = true
	}
	for name, shapes := range maps.Clone(known) {
		if !optional[name] {
			required = append(required, name)
		}
		if scale, ok := a.ScaleOf(name); ok {
			matrices := int64(1)
			if len(shapes) > 0 && len(shapes[0]) == 3 {
				matrices = shapes[0][2]
			}
			known[scale] = [][]int64{{matrices}}
		}
	}
	slices.SortFunc(required, strings.Compare)
	return required, known
}

// maxLayers bounds what is looked up for a header that lies.
const maxLayers = 1 << 14
