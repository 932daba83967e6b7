package convert

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/hf"
)

// Bounds of the search for classes.
const (
	mostFitting   = 16
	longestSearch = 10 * time.Second
)

// Unknown adds to the error of a class that no architecture serves the classes
// whose models have the checkpoint's tensors, all of them and no others, by
// their names and shapes. Other errors it returns as they are.
func Unknown(ctx context.Context, ckpt *hf.Checkpoint, err error) error {
	if !errors.Is(err, arch.ErrClass) {
		return err
	}
	unpacked, e := unpack.Open(ctx, ckpt)
	if e != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, longestSearch)
	defer stop()
	classes := candidates(ctx, ckpt.Config(), unpacked)
	if len(classes) == 0 {
		return fmt.Errorf("%w; its tensors are those of no class that is", err)
	}
	return fmt.Errorf("%w; its tensors are those of %s", err, strings.Join(classes, ", "))
}

// candidates lists the classes whose models have these tensors, as far as it
// comes before ctx ends.
func candidates(ctx context.Context, config hf.Config, from *unpack.Checkpoint) []string {
	var classes []string
	type kind struct{ arch, defaults string }
	seen := map[kind]bool{}
	for _, class := range arch.Classes() {
		a, _ := arch.ByClass(class)
		k := kind{arch: a.Classes[0]}
		if _, own := a.Defaults[class]; own {
			k.defaults = class
		}
		if seen[k] {
			continue // another name of the same
		}
		seen[k] = true
		if len(classes) == mostFitting || ctx.Err() != nil {
			break
		}
		if fits(config.As(hf.Reading{Class: class}), a, from) {
			classes = append(classes, class)
		}
	}
	return classes
}

// fits reports whether a model of the class that a configuration names has
// these tensors.
func fits(config hf.Config, a arch.Arch, from *unpack.Checkpoint) bool {
	h, err := arch.FromConfig(config)
	if err != nil {
		return false
	}
	names := a.Names()
	takes := func(t unpack.Tensor) bool {
		canonical := a.Canonical(t.Name, h)
		_, _, known := names.Match(canonical)
		_, surplus := arch.Surplus(canonical)
		return known || surplus || a.Ignores(canonical)
	}
	for _, t := range from.Tensors { // most classes end at the first
		if !takes(t) {
			return false
		}
	}
	_, found := cover(&h, a, sources(from, a, h))
	return len(found.leftover)+len(found.missing)+len(found.misshapen) == 0
}

// readAs says that a model is taken for what config.json does not say.
func readAs(config hf.Config, a arch.Arch) []string {
	as := config.Reading()
	own, err := arch.Class(config.As(hf.Reading{}))
	if err != nil {
		own = "what config.json leaves open"
	}
	what := ""
	switch {
	case as.Description != "":
		what = "as " + as.File + " describes it"
	case as.Class != "" && as.Class != own:
		what = fmt.Sprintf("as %s, not as %s", as.Class, own)
	default:
		return nil
	}
	notes := []string{fmt.Sprintf("the checkpoint is read %s: file and checkpoint are compared under that reading; whether the model computes so, its perplexity on a text shows", what)}
	if _, known := arch.ByName(a.Name); !known {
		notes = append(notes, fmt.Sprintf("architecture %s is not known here: the file is read by its description, too, and llama.cpp loads the file if it knows that name", a.Name))
	}
	return notes
}
