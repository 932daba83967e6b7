package convert

import (
	"fmt"
	"slices"

	"github.com/f190792d/mq/arch"
)

// match assigns every source tensor to the targets that its template feeds,
// in the order in which the reference converter emits them: a tensor when it
// arrives, the experts of a layer when the last of them has arrived. It
// reports everything that is left over, missing or misshapen at once.
func match(a arch.Arch, h arch.Hyper, all []source) ([]target, coverage) {
	var (
		found   coverage
		targets = extras(a, h)
		specs   = map[string][]arch.Tensor{} // by source template
		stacks  = map[int]*stack{}           // by layer
		seen    = map[string]bool{}          // canonical names
	)
	for _, t := range a.Tensors {
		specs[t.Source] = append(specs[t.Source], t)
	}
	for _, s := range all {
		if a.Ignores(s.canonical) {
			continue
		}
		template, layer, expert := arch.Template(s.canonical)
		if kept := h.Layers + h.MTPLayers; layer >= kept && layer < kept+h.DroppedLayers {
			continue
		}
		fit := fitting(specs[template], h, layer, expert)
		if len(fit) == 0 || seen[s.canonical] {
			found.leftover = append(found.leftover, s.name)
			continue
		}
		seen[s.canonical] = true
		if wrong := checkShape(fit[0], h, s); wrong != "" {
			found.misshapen = append(found.misshapen, wrong)
			continue
		}
		if expert < 0 {
			for _, t := range fit {
				if t.Target != "" {
					targets = append(targets, build(t, h, layer, []source{s}))
				}
			}
			continue
		}
		if stacks[layer] == nil {
			stacks[layer] = newStack(a, h, layer)
		}
		if stacks[layer].add(template, expert, s) {
			targets = append(targets, stacks[layer].targets(h, layer)...)
		}
	}
	made := map[string]bool{}
	for _, t := range targets {
		made[t.name] = true
	}
	found.missing = missing(a, h, seen, made)
	putFirst(targets, a.First)
	return targets, found
}

// putFirst moves the targets of some templates to the front.
func putFirst(targets []target, groups [][]string) {
	if groups == nil {
		return
	}
	place := func(t target) [3]int {
		template, layer, _ := arch.Template(t.name)
		for g, group := range groups {
			if n := slices.Index(group, template); n >= 0 {
				return [3]int{g, layer, n}
			}
		}
		return [3]int{len(groups)}
	}
	slices.SortStableFunc(targets, func(a, b target) int {
		x, y := place(a), place(b)
		return slices.Compare(x[:], y[:])
	})
}

// fitting keeps the templates whose layer and expert exist in the model.
func fitting(specs []arch.Tensor, h arch.Hyper, layer, expert int) []arch.Tensor {
	var fit []arch.Tensor
	for _, t := range specs {
		inModel := (!t.PerLayer() || layer < h.Layers+h.MTPLayers) && (!t.PerExpert() || expert < h.MoE.Experts)
		if inModel && t.In(h, layer) {
			fit = append(fit, t)
		}
	}
	return fit
}

// mostListed bounds the list of missing tensors of a config.json that lies.
const mostListed = 1 << 16

// missing lists the tensors that the templates require and no source has,
// unless another layout of the checkpoint made their target.
func missing(a arch.Arch, h arch.Hyper, seen, made map[string]bool) []string {
	var names []string
	listed := map[string]bool{}
	for _, t := range a.Tensors {
		required := !t.Optional || t.Untied && h.Untied
		if !required || listed[t.Source] {
			continue
		}
		listed[t.Source] = true
		layers, experts := 1, 1
		if t.PerLayer() {
			layers = h.Layers + h.MTPLayers
		}
		if t.PerExpert() {
			experts = h.MoE.Experts
		}
		for layer := range layers {
			if !t.In(h, layer) || made[arch.Fill(t.Target, layer, 0)] {
				continue
			}
			for expert := range experts {
				if name := arch.Fill(t.Source, layer, expert); !seen[name] && len(names) < mostListed {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// checkShape compares a source tensor with what the hyperparameters imply,
// and says what is wrong about it.
func checkShape(t arch.Tensor, h arch.Hyper, s source) string {
	want := make([]int64, len(t.Shape))
	same := len(want) == len(s.shape)
	for i, dim := range t.Shape {
		want[i] = int64(dim(h))
		same = same && want[i] == s.shape[i]
	}
	if same {
		return ""
	}
	if t.Target == "token_embd.weight" && len(s.shape) == 2 && s.shape[1] == want[1] {
		return fmt.Sprintf("%s: tensor %q: %d rows, but vocab_size in config.json is %d", s.file, s.name, s.shape[0], want[0])
	}
	return fmt.Sprintf("%s: tensor %q: shape %v, but config.json implies %v", s.file, s.name, s.shape, want)
}

// stack collects the experts of a layer.
type stack struct {
	specs   []arch.Tensor
	sources map[string][]source // by template, one for each expert
	left    int
}

func newStack(a arch.Arch, h arch.Hyper, layer int) *stack {
	s := &stack{sources: map[string][]source{}}
	for _, t := range a.Tensors {
		if !t.PerExpert() || !t.In(h, layer) {
			continue
		}
		s.specs = append(s.specs, t)
		if s.sources[t.Source] == nil {
			s.sources[t.Source] = make([]source, h.MoE.Experts)
			s.left += h.MoE.Experts
		}
	}
	return s
}

// add keeps one expert's tensor and tells whether it was the last.
func (s *stack) add(template string, expert int, from source) bool {
	s.sources[template][expert] = from
	s.left--
	return s.left == 0
}

func (s *stack) targets(h arch.Hyper, layer int) []target {
	var all []target
	for _, t := range s.specs {
		all = append(all, build(t, h, layer, s.sources[t.Source]))
	}
	return all
}
