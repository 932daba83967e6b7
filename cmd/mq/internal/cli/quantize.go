package cli

import (
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// quantizeCommand makes quantized files from a GGUF file.
func (a *app) quantizeCommand() *cobra.Command {
	var recipe recipeFlags
	var out string
	var force, dryRun bool
	cmd := &cobra.Command{
		Use:   "quantize [-t TYPE[,TYPE...] | --q4_k | ...] IN.gguf",
		Short: "Quantize a GGUF file",
		Long: `Quantizes a GGUF file with the recipes of the ecosystem; the bytes are the ones
that llama-quantize gives. Several types make several files from one read.`,
		Example: `  mq quantize --q4_k model-BF16.gguf
  mq quantize -t q4_k_m,q8_0 model-BF16.gguf -o 'out/model-{type}.gguf'
  mq quantize -t iq2_xs --imatrix model.imatrix.gguf model-BF16.gguf`,
		Args: exactArgs(1, "one GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			recipes, err := recipe.recipes()
			if err != nil {
				return err
			}
			if len(recipes) == 0 {
				return fault.Usage("quantize: no type is given; try -t q4_k_m, and 'mq types' for the others")
			}
			options, err := recipe.build()
			if err != nil {
				return err
			}
			file, err := gguf.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			p := &production{inputs: file.Parts(), force: force}
			for _, t := range file.Tensors() {
				p.sources = append(p.sources, file.Stream(t))
			}
			for _, r := range recipes {
				options.Recipe = r
				plan, err := quantize.NewPlan(file.KVs(), file.Tensors(), options)
				if err != nil {
					return err
				}
				path, err := outputPath(out, filepath.Dir(args[0]), stem(args[0]), r.Name, len(recipes) > 1)
				if err != nil {
					return err
				}
				p.targets = append(p.targets, target{path, plan})
			}
			if dryRun {
				a.printPlan(p.targets)
				return nil
			}
			if err := p.preflight(); err != nil {
				return err
			}
			for _, t := range p.targets {
				a.planned(t)
			}
			return a.produce(cmd.Context(), p)
		},
	}
	recipe.register(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&out, "output", "o", "", "file to write; {type} stands for the type's name (default NAME-TYPE.gguf beside the input)")
	flags.BoolVar(&force, "force", false, "replace existing files")
	flags.BoolVar(&dryRun, "dry-run", false, "show what would be written and stop")
	flags.BoolVar(&recipe.options.AllowRequantize, "allow-requantize", false, "quantize what is quantized already")
	flags.BoolVar(&recipe.options.KeepSplit, "keep-split", false, "write as many files as the input has")
	return cmd
}

// recipes returns what was asked for, each once.
func (f *recipeFlags) recipes() ([]quantize.Recipe, error) {
	var recipes []quantize.Recipe
	for _, name := range f.names() {
		r, err := quantize.ParseRecipe(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(recipes, func(other quantize.Recipe) bool { return other.Name == r.Name }) {
			recipes = append(recipes, r)
		}
	}
	return recipes, nil
}
