package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/export"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
)

// exportCommand turns a file back into a checkpoint.
func (a *app) exportCommand() *cobra.Command {
	var dtype, maxSize string
	cmd := &cobra.Command{
		Use:   "export FILE.gguf FOLDER",
		Short: "Turn a GGUF file back into a checkpoint: safetensors files and config.json",
		Long: `Turn a GGUF file back into a checkpoint that transformers reads: safetensors files with the names, shapes and orders of the
source, and a config.json. Weights in blocks are decoded; without --dtype they become F32, which holds every value, and the
others stay as they are. A vocabulary of byte-level BPE becomes tokenizer.json, where that gives the same ids; of others the
command says that they stay in the file.`,
		Example: `  mq export model-Q4_K_M.gguf ./model --dtype bf16`,
		Args:    flags.Args(2, 2, "a GGUF file and the folder to make"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := export.Options{Keep: dtype == ""}
			if dtype != "" {
				t, ok := gguf.ParseType(dtype)
				if !ok {
					return fault.Invalid("--dtype %s: it is none of f32, f16 and bf16", dtype)
				}
				o.Type = t
			}
			var err error
			if maxSize != "" {
				if o.MaxShard, err = flags.Size("--max-size", maxSize); err != nil {
					return err
				}
			}
			if err := flags.MakeFolder(cmd, filepath.Dir(filepath.Clean(args[1]))); err != nil {
				return err
			}
			file, err := gguf.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			plan, err := export.NewPlan(cmd.Context(), file, o)
			if err != nil {
				return err
			}
			for _, note := range plan.Notes {
				a.Warn("%s", note)
			}
			bar := a.Progress("writing").Events()
			err = plan.Write(cmd.Context(), args[1], func(r progress.Report) {
				r.Total, r.Bytes = plan.Bytes(), true
				bar.Show(r)
			})
			bar.Finish()
			if err == nil {
				a.Wrote(args[1])
			}
			return err
		},
	}
	flags.Outputs(cmd.Flags())
	cmd.Flags().StringVar(&dtype, "dtype", "", "type of all weights: f32, f16 or bf16 (default as in the file, blocks as f32)")
	cmd.Flags().StringVar(&maxSize, "max-size", "", "bytes of a file of weights, e.g. 5G (the default)")
	return cmd
}
