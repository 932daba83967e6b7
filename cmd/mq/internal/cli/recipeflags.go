package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/quantize"
)

// recipeFlags are the flags that say how tensors are quantized; convert and
// quantize share them.
type recipeFlags struct {
	types            []string
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
	options          quantize.Options
	budget           budgetFlags
	collect          collectFlags
	ready            *prepared // what was collected and chosen before the plan
}

// register adds the flags to a command. Every recipe is also a flag of its
// own, left out of the help because of their number.
func (f *recipeFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.flags = flags
	flags.StringSliceVarP(&f.types, "type", "t", nil, "type or recipe, several divided by commas; each is also a flag (--q4_k_m): see 'mq types'")
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
	flags.BoolVar(&f.options.Pure, "pure", false, "give every tensor the same type")
	flags.BoolVar(&f.options.LeaveOutput, "leave-output-tensor", false, "keep output.weight as it is")
	flags.BoolVar(&f.options.NoFallback, "no-fallback", false, "refuse where rows do not fit the type instead of taking another")
	f.budget.register(flags)
	f.collect.register(flags)
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

// names returns what stands for the results in their names: the types that
// were asked for, or the size.
func (f *recipeFlags) names() []string {
	if f.budget.asked() {
		return []string{f.budget.name()}
	}
	return f.given()
}

// given returns the types that were asked for, in the order given.
func (f *recipeFlags) given() []string {
	names := append([]string(nil), f.types...)
	for _, name := range f.typeFlags {
		if set, err := f.flags.GetBool(name); err == nil && set {
			names = append(names, name)
		}
	}
	return names
}

// typeOfLike takes the recipe that the file of --like names where no type is
// asked for.
func (f *recipeFlags) typeOfLike() error {
	if f.like == "" || len(f.names()) > 0 {
		return nil
	}
	file, err := gguf.Open(f.like)
	if err != nil {
		return err
	}
	defer file.Close()
	number, ok := file.KVs().Uint("general.file_type")
	r, err := quantize.ParseRecipe(strconv.FormatUint(number, 10))
	if !ok || err != nil {
		return fault.Usage("--like %s: its key \"general.file_type\" names no recipe for tensors that it lacks; give one with -t", f.like)
	}
	f.types = []string{r.Name}
	return nil
}

// idle names the flags that ask for something that the tensors do not have.
func (f *recipeFlags) idle(tensors []gguf.TensorInfo) (warnings []string) {
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

// files lists the files that the flags name and whose content decides what is
// written.
func (f *recipeFlags) files() []string {
	var list []string
	for _, name := range []string{f.imatrix, f.like, f.ready.matrixFile()} {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// mixes tells whether options have a say beside the type.
func (f *recipeFlags) mixes() bool {
	return len(f.overrides)+len(f.kvs) > 0 || f.overrideFile != "" || f.outputType != "" || f.embedType != "" || f.like != "" ||
		f.pruneLayers != "" || f.options.LeaveOutput
}

// build reads the files that the flags name and returns the options without a
// recipe.
func (f *recipeFlags) build(ctx context.Context) (quantize.Options, error) {
	if f.ready != nil && f.ready.standIn {
		return f.standIn(), nil
	}
	o := f.options
	for _, text := range f.overrides {
		override, err := quantize.ParseOverride(text)
		if err != nil {
			return o, err
		}
		o.Overrides = append(o.Overrides, override)
	}
	if f.overrideFile != "" {
		text, err := os.ReadFile(f.overrideFile)
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
	if f.like != "" {
		file, err := gguf.Open(f.like)
		if err != nil {
			return o, err
		}
		o.Like = quantize.NewLike(file.KVs(), file.Tensors())
		if err := file.Close(); err != nil {
			return o, err
		}
	}
	if f.ready != nil {
		o.Overrides = append(o.Overrides, f.ready.overrides...)
	}
	o.Importance, err = f.importance(ctx)
	return o, err
}

func (f *recipeFlags) importance(ctx context.Context) (*quantize.Importance, error) {
	if f.ready != nil && f.ready.importance != nil {
		return f.ready.importance, nil
	}
	if f.imatrix == "" {
		if f.collect.text == "" && len(f.include)+len(f.exclude) > 0 {
			return nil, fault.Usage("--include-weights and --exclude-weights choose from an importance matrix: give one with --imatrix")
		}
		return nil, nil
	}
	if len(f.include) > 0 && len(f.exclude) > 0 {
		return nil, fault.Usage("--include-weights and --exclude-weights cannot be used together")
	}
	matrix, err := imatrix.Read(ctx, f.imatrix)
	if err != nil {
		return nil, err
	}
	return quantize.NewImportance(f.imatrix, matrix, f.include, f.exclude)
}

// recipes returns what was asked for, each once.
func (f *recipeFlags) recipes() ([]quantize.Recipe, error) {
	if f.ready != nil && f.ready.recipe != nil {
		return []quantize.Recipe{*f.ready.recipe}, nil
	}
	if f.budget.asked() {
		return []quantize.Recipe{standInRecipe(f.budget.name())}, nil
	}
	var recipes []quantize.Recipe
	for _, name := range f.given() {
		r, err := quantize.ParseRecipe(name)
		if err != nil {
			return nil, err
		}
		if f.ready != nil && f.ready.standIn && !r.Copy() {
			r = standInRecipe(r.Name)
		}
		if !slices.ContainsFunc(recipes, func(other quantize.Recipe) bool { return other.Name == r.Name }) {
			recipes = append(recipes, r)
		}
	}
	return recipes, nil
}

func tensorType(flag, name string) (*gguf.Type, error) {
	if name == "" {
		return nil, nil
	}
	t, ok := gguf.ParseType(name)
	if !ok {
		return nil, fault.Unsupported("%s %s: no tensor type has that name; 'mq types' lists them", flag, name)
	}
	return &t, nil
}
