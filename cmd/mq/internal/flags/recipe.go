// Package flags holds the groups of flags that several commands share: each
// registers its flags and turns them into options of package pipeline.
package flags

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/pipeline"
	"github.com/f190792d/mq/quantize"
)

// Recipe is the group of flags that say how tensors are quantized.
type Recipe struct {
	Types   []string
	Options quantize.Options // what flags set directly

	flags            *pflag.FlagSet
	typeFlags        []string // names of the flags that stand for a type
	imatrix          string
	include, exclude []string
	overrides        []string
	overrideFile     string
	outputType       string
	embedType        string
	like             string
	pruneLayers      string
	kvs              []string
	size             size
	collect          collect
	refine           refine
}

// Register adds the flags to a command. Every recipe is also a flag of its
// own, left out of the help because of their number.
func (f *Recipe) Register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.flags = flags
	flags.StringSliceVarP(&f.Types, "type", "t", nil, "type or recipe, several divided by commas; each is also a flag (--q4_k_m): see 'mq types'")
	flags.StringVar(&f.imatrix, "imatrix", "", "importance matrix, GGUF or legacy .dat")
	flags.StringArrayVar(&f.include, "include-weights", nil, "use the matrix for tensors whose name contains this only (repeatable)")
	flags.StringArrayVar(&f.exclude, "exclude-weights", nil, "do not use the matrix for tensors whose name contains this (repeatable)")
	flags.StringArrayVar(&f.overrides, "tensor-type", nil, "REGEX=TYPE for the tensors whose name it finds (repeatable)")
	flags.StringVar(&f.overrideFile, "tensor-type-file", "", "file with one REGEX=TYPE a line")
	flags.StringVar(&f.outputType, "output-tensor-type", "", "type of output.weight")
	flags.StringVar(&f.embedType, "token-embedding-type", "", "type of token_embd.weight")
	flags.StringVar(&f.like, "like", "", "GGUF file whose types are taken tensor by tensor")
	flags.StringVar(&f.pruneLayers, "prune-layers", "", "layers to leave out, e.g. 3,4,20")
	flags.StringArrayVar(&f.kvs, "override-kv", nil, "KEY=TYPE:VALUE to set, TYPE one of int, float, bool, str (repeatable)")
	flags.BoolVar(&f.Options.Pure, "pure", false, "give every tensor the same type")
	flags.BoolVar(&f.Options.LeaveOutput, "leave-output-tensor", false, "keep output.weight as it is")
	flags.BoolVar(&f.Options.NoFallback, "no-fallback", false, "refuse where rows do not fit the type instead of taking another")
	f.size.register(flags)
	f.collect.register(flags)
	f.refine.register(flags)
	Needs(flags, "imatrix,imatrix-from", "include-weights", "exclude-weights")
	Excludes(flags, "leave-output-tensor", "output-tensor-type")
	for _, r := range quantize.Recipes() {
		for _, name := range append(r.Aliases(), r.Name) {
			name = strings.ToLower(name)
			if flags.Lookup(name) != nil {
				continue
			}
			flags.Bool(name, false, "the same as -t "+name)
			f.typeFlags = append(f.typeFlags, name)
			if err := flags.MarkHidden(name); err != nil {
				panic(err) // the flag was added a line above
			}
		}
	}
}

// given returns the types that were asked for, in the order given.
func (f *Recipe) given() []string {
	names := append([]string(nil), f.Types...)
	for _, name := range f.typeFlags {
		if set, err := f.flags.GetBool(name); err == nil && set {
			names = append(names, name)
		}
	}
	return names
}

// Given reports whether a type or a size was asked for.
func (f *Recipe) Given() bool { return f.size.asked() || len(f.given()) > 0 }

// Imitates reports whether the types of another file are asked for.
func (f *Recipe) Imitates() bool { return f.like != "" }

// SavedTypes is the file that chosen types are written to, empty for none.
func (f *Recipe) SavedTypes() string { return f.size.saveTypes }

// Unused names the flags that ask for something that the tensors do not have.
func (f *Recipe) Unused(tensors []gguf.TensorInfo) (warnings []string) {
	matches := func(match func(name string) bool) bool {
		return slices.ContainsFunc(tensors, func(t gguf.TensorInfo) bool { return match(t.Name) })
	}
	for _, text := range f.overrides {
		if o, err := quantize.ParseOverride(text); err == nil && !matches(o.Match) {
			warnings = append(warnings, fmt.Sprintf("--tensor-type %s: no tensor has such a name", text))
		}
	}
	if layers, err := quantize.ParseLayers(f.pruneLayers); err == nil {
		for _, i := range layers {
			if prefix := fmt.Sprintf("blk.%d.", i); !matches(func(name string) bool { return strings.HasPrefix(name, prefix) }) {
				warnings = append(warnings, fmt.Sprintf("--prune-layers: there is no layer %d", i))
			}
		}
	}
	return warnings
}

// Fill turns the flags into options, reading the files that they name. Texts
// are read by a function that knows standard input.
func (f *Recipe) Fill(ctx context.Context, o *pipeline.Options, readText func(path string) (string, error)) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	if o.Quantize, err = f.quantize(ctx); err != nil {
		return err
	}
	if o.Size, err = f.size.options(); err != nil {
		return err
	}
	if o.Collect, err = f.collect.options(readText); err != nil {
		return err
	}
	if o.Refine, err = f.refine.options(readText); err != nil {
		return err
	}
	o.Inputs = append(o.Inputs, f.refine.files()...)
	if o.Collect != nil {
		o.Collect.Include, o.Collect.Exclude = f.include, f.exclude
	}
	for _, name := range []string{f.imatrix, f.like, f.overrideFile, f.collect.text} {
		if name != "" && name != "-" {
			o.Inputs = append(o.Inputs, name)
		}
	}
	if o.Size != nil {
		return nil
	}
	o.Recipes, err = f.recipes()
	return err
}

// quantize returns the options that all recipes share.
func (f *Recipe) quantize(ctx context.Context) (quantize.Options, error) {
	o := f.Options
	for _, text := range f.overrides {
		override, err := quantize.ParseOverride(text)
		if err != nil {
			return o, err
		}
		o.Overrides = append(o.Overrides, override)
	}
	if f.overrideFile != "" {
		text, err := atomicfile.ReadFile(f.overrideFile, atomicfile.MaxSettings)
		if err != nil {
			return o, err
		}
		list, err := quantize.ParseOverrides(string(text))
		if err != nil {
			return o, err
		}
		o.Overrides = append(o.Overrides, list...)
	}
	for _, kv := range f.kvs {
		override, err := quantize.ParseKVOverride(kv)
		if err != nil {
			return o, err
		}
		o.KVs = append(o.KVs, override)
	}
	var err error
	if o.OutputType, err = tensorType("--output-tensor-type", f.outputType); err != nil {
		return o, err
	}
	if o.EmbedType, err = tensorType("--token-embedding-type", f.embedType); err != nil {
		return o, err
	}
	if f.pruneLayers != "" {
		if o.PruneLayers, err = quantize.ParseLayers(f.pruneLayers); err != nil {
			return o, err
		}
	}
	if err := f.readLike(&o); err != nil {
		return o, err
	}
	if f.imatrix == "" {
		return o, nil
	}
	matrix, err := imatrix.Read(ctx, f.imatrix)
	if err != nil {
		return o, err
	}
	o.Importance, err = quantize.NewImportance(f.imatrix, matrix, f.include, f.exclude)
	return o, err
}

// readLike takes the types of another file, and the recipe that it names where
// no type is asked for.
func (f *Recipe) readLike(o *quantize.Options) error {
	if f.like == "" {
		return nil
	}
	file, err := gguf.Open(f.like)
	if err != nil {
		return err
	}
	defer file.Close()
	o.Like = quantize.NewLike(file.KVs(), file.Tensors())
	if f.Given() {
		return nil
	}
	number, ok := file.KVs().Uint("general.file_type")
	r, err := quantize.ParseRecipe(strconv.FormatUint(number, 10))
	if !ok || err != nil {
		return fault.Invalid("--like %s: its key \"general.file_type\" names no recipe for tensors that it lacks; give one with -t", f.like)
	}
	f.Types = []string{r.Name}
	return nil
}

// auto is the type of a conversion in the source's own precision.
const auto = "auto"

// recipes returns what was asked for, in the order given.
func (f *Recipe) recipes() ([]quantize.Recipe, error) {
	given := f.given()
	if len(given) == 1 && strings.EqualFold(given[0], auto) {
		return nil, nil
	}
	var recipes []quantize.Recipe
	for _, name := range given {
		r, err := quantize.ParseRecipe(strings.TrimSpace(name))
		if err != nil {
			return nil, fault.Invalid("-t %s: no type has that name%s ('mq types' lists them)", name, DidYouMean(recipeLike(name)))
		}
		recipes = append(recipes, r)
	}
	return recipes, nil
}

// CheckTypes reports a type that is not known.
func (f *Recipe) CheckTypes() error {
	_, err := f.recipes()
	return err
}

// check refuses flags that contradict each other.
func (f *Recipe) check() error {
	b, c := f.size, f.collect
	switch {
	case c.text != "" && f.imatrix != "":
		return fault.Invalid("--imatrix and --imatrix-from: the matrix is there, or is to be collected; give one of the two")
	case len(f.include) > 0 && len(f.exclude) > 0:
		return fault.Invalid("--include-weights and --exclude-weights cannot be used together")
	case !b.asked():
		return nil
	case len(f.given()) > 0:
		return fault.Invalid("--%s chooses the type of every tensor: leave -t %s out", map[bool]string{true: "target-bpw", false: "target-size"}[b.bits != 0], f.given()[0])
	case f.Options.Pure || f.Options.NoFallback:
		return fault.Invalid("--pure and --no-fallback concern a type that is given; with a target there is none")
	}
	return nil
}
