package cli

import (
	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/pipeline"
)

// quantizeCommand makes quantized files from a GGUF file.
func (a *app) quantizeCommand() *cobra.Command {
	var recipe flags.Recipe
	var output flags.Output
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
		Args: flags.Args(1, 1, "one GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if folder, err := a.Files.IsFolder(args[0]); err != nil {
				return err
			} else if folder {
				return fault.Invalid("quantize: %s is a folder; checkpoints are quantized by 'mq convert %s -t TYPE'", args[0], args[0])
			}
			if !recipe.Given() && !recipe.Imitates() {
				return fault.Invalid("quantize: no type is given; try -t q4_k_m, and 'mq types' for the others")
			}
			return a.make(cmd.Context(), args[0], new(pipeline.Options), &recipe, &output)
		},
	}
	recipe.Register(cmd)
	a.descriptionFlag(cmd.Flags())
	output.Register(cmd, "beside the input")
	flags := cmd.Flags()
	flags.BoolVar(&recipe.Options.AllowRequantize, "allow-requantize", false, "quantize what is quantized already")
	flags.BoolVar(&recipe.Options.KeepSplit, "keep-split", false, "write as many files as the input has")
	return cmd
}
