package convert

import (
	"fmt"
	"slices"

	"github.com/f190792d/mq/arch"
)

// match assigns every source tensor to the targets that its template feeds,
// in the order in which the reference converter emits them: a target when the
// last of its tensors has arrived, the experts of a layer when the last of all
// of them has. It reports everything that is left over, missing or misshapen at
// once.
func match(a arch.Arch, h arch.Hyper, all []source) ([]target, coverage) {
	var (
		found    coverage
		targets  = extras(a, h)
		names    = a.Names()
		specs    = map[string][]spec{} // by source template
		stacks   = map[int]*stack{}    // by layer
		gathered = map[string][]source{}
		seen     = map[string]bool{} // canonical names
	)
	for _, t := range a.Tensors {
		for n, piece := range t.Pieces() {
			specs[piece.Source] = append(specs[piece.Source], spec{t, n})
		}
	}
	for _, s := range all {
		if a.Ignores(s.canonical) {
			continue
		}
		template, at, _ := names.Match(s.canonical)
		_, layer, _ := arch.Template(s.canonical)
		if kept := h.Layers + h.MTPLayers; layer >= kept && layer < kept+h.DroppedLayers {
			continue
		}
		fit := fitting(specs[template], h, at)
		if len(specs[template]) == 0 {
			if what, ok := arch.Surplus(s.canonical); ok {
				found.drop(what, s.name)
				continue
			}
		}
		if len(fit) == 0 || seen[s.canonical] {
			found.leftover = append(found.leftover, s.name)
			continue
		}
		seen[s.canonical] = true
		if wrong := checkShape(fit[0], h, at.Layer, s); wrong != "" {
			found.misshapen = append(found.misshapen, wrong)
			continue
		}
		if at.Expert >= 0 {
			if stacks[at.Layer] == nil {
				stacks[at.Layer] = newStack(a, h, at.Layer)
			}
			if stacks[at.Layer].add(template, at.Expert, s) {
				targets = append(targets, stacks[at.Layer].targets(h, at.Layer)...)
			}
			continue
		}
		for _, t := range fit {
			if t.Target == "" {
				continue
			}
			from := []source{s}
			if t.Gathers() {
				from = gather(gathered, at.Fill(t.Target), t.Times(h, at.Layer), at.Part, s)
			} else if len(t.More) > 0 {
				from = gather(gathered, at.Fill(t.Target), len(t.More)+1, t.piece, s)
			}
			if from != nil {
				targets = append(targets, build(t.Tensor, h, at, from))
			}
		}
	}
	made := map[string]bool{}
	for _, t := range targets {
		made[t.name] = true
	}
	found.missing = missing(a, h, seen, made)
	putFirst(targets, a)
	return targets, found
}

// spec is one of the source tensors of a target.
type spec struct {
	arch.Tensor
	piece int
}

// gather keeps one piece of a target and returns all of them with the last.
func gather(gathered map[string][]source, target string, pieces, piece int, s source) []source {
	if gathered[target] == nil {
		gathered[target] = make([]source, pieces)
	}
	all := gathered[target]
	all[piece] = s
	if slices.ContainsFunc(all, func(s source) bool { return s.name == "" }) {
		return nil
	}
	return all
}

// putFirst moves the targets that an architecture has first to the front.
func putFirst(targets []target, a arch.Arch) {
	if a.First == nil {
		return
	}
	place := func(t target) [3]int {
		template, layer, _ := arch.Template(t.name)
		for g, group := range a.First {
			if n := slices.Index(group, template); n >= 0 && (t.decoded || !a.FirstCoded) {
				return [3]int{g, layer, n}
			}
		}
		return [3]int{len(a.First)}
	}
	slices.SortStableFunc(targets, func(a, b target) int {
		x, y := place(a), place(b)
		return slices.Compare(x[:], y[:])
	})
}

// fitting keeps the templates whose layer, expert and other number exist in
// the model.
func fitting(specs []spec, h arch.Hyper, at arch.Place) []spec {
	var fit []spec
	for _, t := range specs {
		inModel := (!t.PerLayer() || at.Layer < h.Layers+h.MTPLayers) && (!t.PerExpert() || at.Expert < h.MoE.Experts)
		if inModel && t.In(h, at.Layer) && (t.Times == nil || at.Part < t.Times(h, at.Layer)) {
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
		for _, at := range t.Places(h) {
			if made[at.Fill(t.Target)] {
				continue
			}
			for _, piece := range t.Pieces() {
				if name := at.Fill(piece.Source); !seen[name] && len(names) < mostListed {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// checkShape compares a source tensor with what the hyperparameters imply,
// and says what is wrong about it.
func checkShape(t spec, h arch.Hyper, layer int, s source) string {
	shape := t.Pieces()[t.piece].Shape
	want := make([]int64, len(shape))
	if t.Listed && len(s.shape) == 0 {
		return ""
	}
	same := len(want) == len(s.shape)
	for i, dim := range shape {
		want[i] = int64(dim(h, layer))
		same = same && want[i] == s.shape[i]
	}
	if same {
		return ""
	}
	if s.merged && len(s.shape) == 2 && want[0] == int64(h.Vocab) {
		return fmt.Sprintf("tensor %q: an adapter gives it %d rows, but vocab_size in the base's config.json is %d: set it to %d there and put the adapter's tokenizer beside it", s.name, s.shape[0], want[0], s.shape[0])
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
		for _, piece := range t.Pieces() {
			if s.sources[piece.Source] == nil {
				s.sources[piece.Source] = make([]source, h.MoE.Experts)
				s.left += h.MoE.Experts
			}
		}
	}
	return s
}

// add keeps one expert's tensor and reports whether it was the last.
func (s *stack) add(template string, expert int, from source) bool {
	s.sources[template][expert] = from
	s.left--
	return s.left == 0
}

func (s *stack) targets(h arch.Hyper, layer int) []target {
	var all []target
	for _, t := range s.specs {
		var from []source
		for expert := range h.MoE.Experts {
			for _, piece := range t.Pieces() {
				from = append(from, s.sources[piece.Source][expert])
			}
		}
		all = append(all, build(t, h, arch.Place{Layer: layer}, from))
	}
	return all
}
