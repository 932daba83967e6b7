package hf

import (
	"fmt"
	"slices"
	"strings"
)

// envelopes are what libraries around a model put into the names of its
// tensors when the wrapped model is saved instead of the model itself.
var envelopes = []struct {
	part, by string
	anywhere bool // else only where a name begins
}{
	{"_orig_mod.", "torch.compile", true},
	{"_fsdp_wrapped_module.", "FSDP", true},
	{"_checkpoint_wrapped_module.", "activation checkpointing", true},
	{"module.", "DataParallel or DeepSpeed", false},
	{"_forward_module.", "Lightning Fabric", false},
	{"base_model.model.", "PEFT", false},
	{"pretrained_model.", "TRL", false},
}

// doubled begins the names of a model that is an attribute "model" of what was
// saved, as in Lightning.
const doubled = "model.model."

// unwrap drops from the names of the tensors what libraries have added.
func (c *Checkpoint) unwrap() {
	names := make([]string, len(c.tensors))
	dropped := map[string]int{} // tensors by envelope
	for i, t := range c.tensors {
		names[i] = unwrapped(t.Name, func(part string) { dropped[part]++ })
	}
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, doubled) }) {
		for i, name := range names {
			if rest := strings.TrimPrefix(name, "model."); strings.HasPrefix(rest, "model.") || strings.HasPrefix(rest, "lm_head.") {
				names[i] = rest
				dropped["model."]++
			}
		}
	}
	if len(dropped) == 0 || !distinct(names) {
		return
	}
	for i := range c.tensors {
		c.tensors[i].Name = names[i]
	}
	for _, e := range append(envelopes, struct {
		part, by string
		anywhere bool
	}{"model.", "Lightning", false}) {
		if n := dropped[e.part]; n > 0 {
			c.note("%q is dropped from the names of %d tensors, where %s has put it", e.part, n, e.by)
		}
	}
}

func unwrapped(name string, dropped func(part string)) string {
	for again := true; again; {
		again = false
		for _, e := range envelopes {
			at := strings.Index(name, e.part)
			if at == 0 || at > 0 && e.anywhere && name[at-1] == '.' {
				name, again = name[:at]+name[at+len(e.part):], true
				dropped(e.part)
			}
		}
	}
	return name
}

func distinct(names []string) bool {
	sorted := slices.Sorted(slices.Values(names))
	return len(slices.Compact(sorted)) == len(names)
}

// lone are the names under which the one matrix of a model whose embedding
// serves as output may be saved, and the ones that it is looked for under.
// Models whose layers have other names may have another embedding.
var lone = []struct{ head, embedding, rename, layers string }{
	{"lm_head.weight", "embed_tokens.weight", "model.embed_tokens.weight", "model.layers."},
	{"output.weight", "tok_embeddings.weight", "tok_embeddings.weight", "layers."},
}

// tie gives the output matrix of a tied model the embedding's name where it
// was saved under its own alone.
func (c *Checkpoint) tie() {
	text, _ := c.config.Text()
	for _, config := range []Config{c.config, text} {
		if tied, err := config.BoolOr("tie_word_embeddings", true); err != nil || !tied {
			return
		}
	}
	for _, l := range lone {
		head, layers := -1, false
		for i, t := range c.tensors {
			if isNamed(t.Name, l.embedding) || isNamed(t.Name, "word_embeddings.weight") { // Ling's name for it
				return
			}
			if isNamed(t.Name, l.head) {
				head = i
			}
			layers = layers || strings.Contains(t.Name, l.layers)
		}
		if head < 0 || !layers {
			continue
		}
		t := &c.tensors[head]
		c.note("%s serves as the embedding as well, which the checkpoint does not hold", t.Name)
		t.Name = strings.TrimSuffix(t.Name, l.head) + l.rename
	}
}

// isNamed reports whether a tensor's name is own, in a model or in a part of
// a larger one.
func isNamed(name, own string) bool {
	rest, ok := strings.CutSuffix(name, own)
	return ok && (rest == "" || strings.HasSuffix(rest, "."))
}

// note keeps a sentence for Notes.
func (c *Checkpoint) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf("%s: "+format, append([]any{c.name}, args...)...))
}
