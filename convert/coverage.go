package convert

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// coverage is what the templates and the checkpoint do not share.
type coverage struct {
	leftover, missing []string
	misshapen         []string // one clause for each tensor
	dropped           []surplus
}

// surplus are tensors of one kind that no model computes with.
type surplus struct {
	what  string
	names []string
}

func (c *coverage) drop(what, name string) {
	at := slices.IndexFunc(c.dropped, func(s surplus) bool { return s.what == what })
	if at < 0 {
		at = len(c.dropped)
		c.dropped = append(c.dropped, surplus{what: what})
	}
	c.dropped[at].names = append(c.dropped[at].names, name)
}

// notes says what was left out.
func (c coverage) notes() []string {
	var all []string
	for _, s := range c.dropped {
		all = append(all, fmt.Sprintf("left out, for the model computes without: %s (%s)", strings.Join(group(s.names), ", "), s.what))
	}
	return all
}

// err reports all of it in one error, with the likely cause.
func (c coverage) err(ckpt *hf.Checkpoint, a arch.Arch) error {
	if len(c.leftover) == 0 && len(c.missing) == 0 {
		if len(c.misshapen) == 0 {
			return nil
		}
		return fault.Op("convert").Folder(ckpt.Name()).Corrupt("%s", strings.Join(c.misshapen, "; "))
	}
	if _, err := ckpt.ReadFile("adapter_config.json"); !errors.Is(err, fs.ErrNotExist) {
		return fault.Op("convert").Folder(ckpt.Name()).Kind(hf.ErrAdapter).Unsupported("the folder holds a LoRA adapter (adapter_config.json)")
	}
	var found []string
	if len(c.leftover) > 0 {
		found = append(found, fmt.Sprintf("%s that architecture %s does not have: %s", count(c.leftover), a.Name, strings.Join(group(c.leftover), ", ")))
	}
	if len(c.missing) > 0 {
		found = append(found, fmt.Sprintf("missing: %s: %s", count(c.missing), strings.Join(group(c.missing), ", ")))
	}
	report := strings.Join(found, "; ")
	if by, read := quantizedBy(ckpt, c.leftover); read {
		return fault.Op("convert").Folder(ckpt.Name()).Corrupt("the checkpoint is quantized by %s, but not as its library does it: %s", by, report)
	} else if by != "" {
		return fault.Op("convert").Folder(ckpt.Name()).Unsupported("the checkpoint is quantized by %s, which is not read; use the 16-bit original: %s", by, report)
	}
	if slices.ContainsFunc(c.leftover, ofAdapter) {
		return fault.Op("convert").Folder(ckpt.Name()).Unsupported("the checkpoint holds a LoRA adapter beside the weights that it changes; merge it first: %s", report)
	}
	if sign, ok := ckpt.MLX(); ok {
		return fault.Op("convert").Folder(ckpt.Name()).Unsupported("the checkpoint is in MLX's layout (%s), and these tensors of it are not read; use the checkpoint that it was made from: %s", sign, report)
	}
	if wrong, right, ok := prefixes(c.leftover, a); ok {
		report = fmt.Sprintf("names begin with %q where %q is expected: %s", wrong, right, report)
	} else if len(c.leftover) == 0 {
		report += "; the folder is not complete, or config.json is of another model"
	} else if len(c.missing) == 0 {
		report += "; the model computes more than its class says, which no file of " + a.Name + " can hold"
	}
	return fault.Op("convert").Folder(ckpt.Name()).Corrupt("%s", report)
}

func count(names []string) string {
	if len(names) == 1 {
		return "1 tensor"
	}
	return fmt.Sprintf("%d tensors", len(names))
}

// ofAdapter reports whether a tensor is one of those that PEFT adds to a model.
func ofAdapter(name string) bool {
	return strings.Contains(name, ".lora_A.") || strings.Contains(name, ".lora_B.") || strings.Contains(name, ".base_layer.")
}

// quantizedBy names what quantized a checkpoint with tensors that no template
// takes, and reports whether that is read; it is empty where nothing shows.
// Weights of 8-bit floats are to blame only where scales are left over.
func quantizedBy(ckpt *hf.Checkpoint, leftover []string) (name string, read bool) {
	q, ok := ckpt.Quantization()
	scale := func(name string) bool {
		return strings.HasSuffix(name, ".weight_scale") || strings.HasSuffix(name, ".weight_scale_inv")
	}
	if !ok || q.Method == "fp8" && !slices.ContainsFunc(leftover, scale) {
		return "", false
	}
	return q.Name(), unpack.Reads(q.Method)
}

// prefixes finds out whether leftover names would match with another prefix.
func prefixes(leftover []string, a arch.Arch) (wrong, right string, ok bool) {
	for _, name := range leftover {
		template, _, _ := arch.Template(name)
		for _, t := range a.Tensors {
			tail := strings.TrimPrefix(t.Source, "model.")
			if head, fits := strings.CutSuffix(template, tail); fits && t.PerLayer() && head+tail != t.Source {
				return head, strings.TrimSuffix(t.Source, tail), true
			}
		}
	}
	return "", "", false
}

// group shortens names that differ in layer and expert alone, where every
// combination of them is present: "model.layers.{0-31}.mlp.up_proj.weight".
func group(names []string) []string {
	type family struct {
		names           []string
		layers, experts []int
	}
	families := map[string]*family{}
	var order []string
	for _, name := range names {
		template, layer, expert := arch.Template(name)
		f := families[template]
		if f == nil {
			f = &family{}
			families[template] = f
			order = append(order, template)
		}
		f.names = append(f.names, name)
		f.layers, f.experts = insert(f.layers, layer), insert(f.experts, expert)
	}
	var all []string
	for _, template := range order {
		f := families[template]
		if len(f.names) == 1 || len(f.names) != len(f.layers)*len(f.experts) {
			all = append(all, f.names...)
			continue
		}
		template = strings.Replace(template, "{i}", "{"+ranges(f.layers)+"}", 1)
		all = append(all, strings.Replace(template, "{e}", "{"+ranges(f.experts)+"}", 1))
	}
	return all
}

// insert keeps numbers sorted and unique.
func insert(sorted []int, n int) []int {
	at, found := slices.BinarySearch(sorted, n)
	if found {
		return sorted
	}
	return slices.Insert(sorted, at, n)
}

// ranges writes sorted numbers as "0-3,7".
func ranges(sorted []int) string {
	var parts []string
	for i := 0; i < len(sorted); {
		j := i
		for j+1 < len(sorted) && sorted[j+1] == sorted[j]+1 {
			j++
		}
		part := strconv.Itoa(sorted[i])
		if j > i {
			part += "-" + strconv.Itoa(sorted[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}
