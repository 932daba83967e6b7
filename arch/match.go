package arch

import (
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

// Fill puts numbers into a template.
func Fill(template string, layer, expert int) string {
	name := strings.Replace(template, "{i}", strconv.Itoa(layer), 1)
	return strings.Replace(name, "{e}", strconv.Itoa(expert), 1)
}

// PerLayer tells whether t stands for one tensor in every layer.
func (t Tensor) PerLayer() bool { return strings.Contains(t.Source, "{i}") }

// PerExpert tells whether t stands for one source tensor for every expert.
func (t Tensor) PerExpert() bool { return strings.Contains(t.Source, "{e}") }

// In tells whether a layer has t.
func (t Tensor) In(h Hyper, layer int) bool { return t.Where == nil || t.Where(h, layer) }

// Canonical returns a source name as the templates spell it: without the
// wrappers of multimodal checkpoints, with the "model." that bare decoders
// leave out, and with multi-token-prediction layers counted behind the
// others.
func (a Arch) Canonical(name string, h Hyper) string {
	for _, s := range a.Strip {
		name = strings.ReplaceAll(name, s, "")
	}
	if bare(name) && !bare(a.Tensors[0].Source) {
		name = "model." + name
	}
	if mtp, ok := strings.CutPrefix(strings.TrimPrefix(name, "model."), "mtp."); ok && !a.Ignores(name) {
		return predictionName(mtp, h.Layers)
	}
	return textLayer(name, h.Pictures)
}

// bare tells names of a decoder that is stored without the model around it.
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

// Ignores tells whether a canonical source name is left out on purpose.
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
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
