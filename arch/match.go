package arch

import (
	"slices"
	"strconv"
	"strings"
)

// Template turns a tensor name into the template that it matches: the first
// number among its dotted parts becomes {i}, the second {e}. Numbers that are
// absent come back as -1.
func Template(name string) (template string, layer, expert int) {
	layer, expert = -1, -1
	parts := strings.Split(name, ".")
	for p, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || strconv.Itoa(n) != part {
			continue
		}
		if layer < 0 {
			layer, parts[p] = n, "{i}"
		} else {
			expert, parts[p] = n, "{e}"
			break
		}
	}
	return strings.Join(parts, "."), layer, expert
}

// Place is where in a model a tensor stands: the numbers of its name, -1 where
// it has none.
type Place struct{ Layer, Expert, Part int }

// placeholders stand for the numbers of a [Place] in templates.
var placeholders = []string{"{i}", "{e}", "{j}"}

// Fill puts numbers into a template.
func Fill(template string, layer, expert int) string {
	return Place{Layer: layer, Expert: expert}.Fill(template)
}

// Fill puts the numbers into a template.
func (p Place) Fill(template string) string {
	for k, n := range []int{p.Layer, p.Expert, p.Part} {
		template = strings.Replace(template, placeholders[k], strconv.Itoa(n), 1)
	}
	return template
}

// Names finds the templates of source names.
type Names map[string][]string // templates by what they are without numbers

// Names lists the source templates of an architecture.
func (a Arch) Names() Names {
	all := Names{}
	for _, t := range a.Tensors {
		for _, piece := range t.Pieces() {
			if key, _ := numbers(piece.Source); !slices.Contains(all[key], piece.Source) {
				all[key] = append(all[key], piece.Source)
			}
		}
	}
	return all
}

// Match finds the source template that a canonical name fits, and the numbers
// in it.
func (n Names) Match(name string) (template string, at Place, ok bool) {
	key, found := numbers(name)
	for _, template := range n[key] {
		if at, ok := place(template, found); ok {
			return template, at, true
		}
	}
	return "", Place{}, false
}

// place assigns the numbers of a name to the placeholders of a template.
func place(template string, found []string) (Place, bool) {
	at := [...]int{-1, -1, -1}
	_, slots := numbers(template)
	for s, slot := range slots {
		k := slices.Index(placeholders, slot)
		if k < 0 {
			if slot != found[s] {
				return Place{}, false
			}
			continue
		}
		n, err := strconv.Atoi(found[s])
		if err != nil {
			return Place{}, false
		}
		at[k] = n
	}
	return Place{at[0], at[1], at[2]}, true
}

// numbers takes the numbers and placeholders out of a name or template.
func numbers(name string) (rest string, found []string) {
	parts := strings.Split(name, ".")
	for p, part := range parts {
		if part == "" || part[0] != '{' && (part[0] < '0' || part[0] > '9') {
			continue // as most are of a hundred thousand names
		}
		n, err := strconv.Atoi(part)
		if slices.Contains(placeholders, part) || err == nil && n >= 0 && strconv.Itoa(n) == part {
			found = append(found, part)
			parts[p] = "#"
		}
	}
	return strings.Join(parts, "."), found
}

// Pieces lists the source tensors of t, its own first.
func (t Tensor) Pieces() []Piece {
	return append([]Piece{{t.Source, t.Shape}}, t.More...)
}

// Gathers reports whether t joins the source tensors of all {j} along a new
// outermost dimension.
func (t Tensor) Gathers() bool {
	return strings.Contains(t.Source, "{j}") && !strings.Contains(t.Target, "{j}")
}

// Places lists where t stands in a model: once for every layer that has it,
// expert and other number of its source.
func (t Tensor) Places(h Hyper) []Place {
	layers, experts := 1, 1
	if t.PerLayer() {
		layers = min(h.Layers+h.MTPLayers, 2*mostLayers)
	}
	if t.PerExpert() {
		experts = h.MoE.Experts
	}
	var all []Place
	for layer := range layers {
		if !t.In(h, layer) {
			continue
		}
		parts := 1
		if t.Times != nil {
			parts = min(t.Times(h, layer), mostExperts)
		}
		for part := range parts {
			for expert := range experts {
				all = append(all, Place{layer, expert, part})
			}
		}
	}
	return all
}

// PerLayer reports whether t stands for one tensor in every layer.
func (t Tensor) PerLayer() bool { return strings.Contains(t.Source, "{i}") }

// PerExpert reports whether t stands for one source tensor for every expert.
func (t Tensor) PerExpert() bool { return strings.Contains(t.Source, "{e}") }

// In reports whether a layer has t.
func (t Tensor) In(h Hyper, layer int) bool { return t.Where == nil || t.Where(h, layer) }

// Canonical returns a source name as the templates spell it: with parts called
// otherwise, without the
// wrappers of multimodal checkpoints, with the "model." that bare decoders
// leave out, and with multi-token-prediction layers counted after the
// others.
func (a Arch) Canonical(name string, h Hyper) string {
	if len(a.Rename) > 0 {
		name = strings.NewReplacer(a.Rename...).Replace(name)
	}
	for _, s := range a.Strip {
		name = strings.ReplaceAll(name, s, "")
	}
	if bare(name) && !slices.ContainsFunc(a.Tensors, func(t Tensor) bool { return bare(t.Source) }) {
		name = "model." + name
	}
	if mtp, ok := strings.CutPrefix(strings.TrimPrefix(name, "model."), "mtp."); ok && !a.Ignores(name) {
		return predictionName(mtp, h.Layers)
	}
	return textLayer(name, h.Pictures)
}

// TiedNames are what the embedding is called and the output matrix where a file
// has its own; empty where it has none.
func (a Arch) TiedNames() (embedding, head string) {
	for _, t := range a.Tensors {
		if t.Target == "token_embd.weight" && embedding == "" {
			embedding = t.Source
		}
		if t.Target != "" && t.Untied {
			head = t.Source
		}
	}
	return embedding, head
}

// bare reports whether a name is of a decoder that is stored without the model around it.
func bare(name string) bool {
	return strings.HasPrefix(name, "layers.") || name == "embed_tokens.weight" || name == "norm.weight" || name == "tok_embeddings.weight" || name == "embed.weight"
}

// predictionNames are what the parts around the prediction layers are called.
var predictionNames = map[string]string{
	"fc.weight":                    "eh_proj.weight",
	"pre_fc_norm_embedding.weight": "enorm.weight",
	"pre_fc_norm_hidden.weight":    "hnorm.weight",
	"norm.weight":                  "shared_head.norm.weight",
}

func predictionName(name string, layers int) string {
	layer, rest := 0, predictionNames[name]
	if rest == "" {
		number, after, _ := strings.Cut(strings.TrimPrefix(name, "layers."), ".")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			return "mtp." + name
		}
		layer, rest = n, after
	}
	return "model.layers." + strconv.Itoa(layers+layer) + "." + rest
}

// Ignores reports whether a canonical source name is left out on purpose.
func (a Arch) Ignores(name string) bool {
	template, _, _ := Template(name)
	for _, pattern := range a.Ignore {
		if glob(pattern, name) || glob(pattern, template) {
			return true
		}
	}
	return false
}

// glob matches a whole name against a pattern in which * stands for anything.
func glob(pattern, name string) bool {
	part, after, more := strings.Cut(pattern, "*")
	rest, ok := strings.CutPrefix(name, part)
	if !ok || !more {
		return ok && rest == ""
	}
	for {
		if part, after, more = strings.Cut(after, "*"); !more {
			return strings.HasSuffix(rest, part)
		}
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
}

// ViewsOf lists where a checkpoint may keep a matrix of the graph, given as
// the template of its name in the file: in the first of these tensors that is
// there. Without a row in Views it lies as it is.
func (a Arch) ViewsOf(matrix string) []View {
	var all []View
	for _, t := range a.Tensors {
		if t.Target != matrix {
			continue
		}
		view := View{Matrix: matrix, Source: t.Source}
		for _, v := range a.Views {
			if v.Matrix == matrix && v.Source == t.Source {
				view = v
			}
		}
		all = append(all, view)
	}
	return all
}
