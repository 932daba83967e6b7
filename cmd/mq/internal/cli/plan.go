package cli

import (
	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/pipeline"
)

// usualTypes are what plan shows where no type is asked for.
var usualTypes = []string{"BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "Q2_K"}

// planCommand checks an input and shows what could be made of it.
func (a *app) planCommand() *cobra.Command {
	var recipe flags.Recipe
	var pre string
	var lossless bool
	var adapters []string
	cmd := &cobra.Command{
		Use:   "plan DIR|FILE.gguf [-t TYPE[,TYPE...]]",
		Short: "Check a model and show what converting it would give and need",
		Long: `Checks a checkpoint folder or a GGUF file from the headers alone: that its files are
present and whole, its tensors known, its tokenizer understood. Shows the size that
the usual types, or those given, would have; with one type also every tensor.`,
		Example: `  mq plan ./Llama-3-8B
  mq plan ./Llama-3-8B -t q4_k_m --imatrix llama.imatrix.gguf --json
  mq plan ./Llama-3-8B --target-bpw 4.5 --save-types types.txt`,
		Args: flags.Args(1, 1, "one checkpoint folder or GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := pipeline.Options{Out: "{type}", PlanOnly: true, Pre: pre, Lossless: lossless, Force: true, Resume: true}
			var err error
			if o.Adapters, err = openAdapters(cmd.Context(), adapters); err != nil {
				return err
			}
			defer closeAdapters(o.Adapters)
			given := recipe.Given() || recipe.Imitates()
			if !given && !lossless {
				recipe.Types = usualTypes
			}
			recipe.Options.AllowRequantize = true
			if err := recipe.Fill(cmd.Context(), &o, a.ReadText); err != nil {
				return err
			}
			job, input, err := a.Open(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			defer input.Close()
			p, err := job.Preflight(given)
			if err != nil {
				return err
			}
			if !a.JSON {
				a.announce(job, &recipe)
			}
			a.PrintChoices(job, p, given && len(job.Outputs) == 1)
			return nil
		},
	}
	recipe.Register(cmd)
	registerPre(cmd.Flags(), &pre)
	registerLossless(cmd.Flags(), &lossless)
	registerAdapters(cmd.Flags(), &adapters)
	return cmd
}
