package cli

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/produce"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// quantizeCommand makes quantized files from a GGUF file.
func (a *app) quantizeCommand() *cobra.Command {
	var recipe recipeFlags
	var output outputFlags
	cmd := &cobra.Command{
		Use:   "quantize [-t TYPE[,TYPE...] | --q4_k | ...] IN.gguf",
		Short: "Quantize a GGUF file",
		Long: `Quantizes a GGUF file with the recipes of the ecosystem; the bytes are the ones
that llama-quantize gives. Several types make several files from one read.

A file gets its name when it is whole and on disk. A run that is stopped goes on
with --resume.`,
		Example: `  mq quantize --q4_k model-BF16.gguf
  mq quantize -t q4_k_m,q8_0 model-BF16.gguf -o 'out/model-{type}.gguf'
  mq quantize -t iq2_xs --imatrix model.imatrix.gguf model-BF16.gguf
  mq quantize --target-bpw 4.5 model-BF16.gguf`,
		Args: exactArgs(1, "one GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.parse(); err != nil {
				return err
			}
			if err := recipe.typeOfLike(); err != nil {
				return err
			}
			if len(recipe.names()) == 0 {
				return fault.Usage("quantize: no type is given; try -t q4_k_m, and 'mq types' for the others")
			}
			if _, err := recipe.recipes(); err != nil {
				return err
			}
			file, err := gguf.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			plan := func() (*production, error) { return a.planQuantization(cmd.Context(), file, &recipe, &output) }
			if err := a.prepare(cmd.Context(), args[0], &recipe, &output, plan); err != nil {
				return err
			}
			p, err := plan()
			if err != nil {
				return err
			}
			for _, w := range p.warnings {
				a.Warn("%s", w)
			}
			return a.produce(cmd.Context(), p)
		},
	}
	recipe.register(cmd)
	output.register(cmd, "beside the input")
	flags := cmd.Flags()
	flags.BoolVar(&recipe.options.AllowRequantize, "allow-requantize", false, "quantize what is quantized already")
	flags.BoolVar(&recipe.options.KeepSplit, "keep-split", false, "write as many files as the input has")
	return cmd
}

// planQuantization finds out what a quantization writes.
func (a *app) planQuantization(ctx context.Context, file *gguf.File, recipe *recipeFlags, output *outputFlags) (*production, error) {
	if recipe.options.KeepSplit && (output.part != "" || output.splitMaxSize != "") {
		return nil, fault.Usage("--keep-split: --part and --split-max-size divide the output in another way")
	}
	recipes, err := recipe.recipes()
	if err != nil {
		return nil, err
	}
	options, err := recipe.build(ctx)
	if err != nil {
		return nil, err
	}
	architecture, ok := file.KVs().String("general.architecture")
	if !ok {
		return nil, fault.Corrupt("quantize: %s: key \"general.architecture\" is missing: the file is no model", file.Name())
	}
	p := &production{flags: output, agreement: map[string]any{}}
	p.Inputs = append(file.Parts(), recipe.files()...)
	p.warnings = recipe.idle(file.Tensors())
	p.Source, p.kvs = produce.FileSource(file), file.KVs()
	p.origin = origin{
		Name: baseName(file.Name()), Format: "gguf", Architecture: architecture,
		Files: len(file.Parts()), Bytes: file.Size(), Tensors: len(file.Tensors()),
	}
	release := file.Size() > a.budget()
	for _, t := range file.Tensors() {
		s := file.Stream(t)
		if read, row := s.ReadRows, t.RowBytes(); release {
			s.ReadRows = func(ctx context.Context, dst []byte, first int64) error {
				defer file.Release(t, first*row, int64(len(dst)))
				return read(ctx, dst, first)
			}
		}
		p.Sources = append(p.Sources, s)
	}
	for _, r := range recipes {
		options.Recipe = r
		plan, err := quantize.NewPlan(file.KVs(), file.Tensors(), options)
		if err != nil {
			return nil, err
		}
		path, err := outputPath(output.out, filepath.Dir(file.Name()), stem(file.Name()), r.Name, len(recipes) > 1)
		if err != nil {
			return nil, err
		}
		t, err := output.target(path, plan)
		if err != nil {
			return nil, err
		}
		p.Targets = append(p.Targets, t)
	}
	return p, nil
}
