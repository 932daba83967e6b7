package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/pipeline"
)

// splitCommand cuts a file into a split set.
func (a *app) splitCommand() *cobra.Command {
	var maxSize, out string
	var o gguf.SplitOptions
	var r rewriting
	cmd := &cobra.Command{
		Use:   "split IN.gguf",
		Short: "Cut a GGUF file into a split set",
		Args:  flags.Args(1, 1, "one GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if maxSize != "" {
				if o.MaxSize, err = flags.Size("--max-size", maxSize); err != nil {
					return err
				}
			}
			if o.MaxSize == 0 && o.MaxTensors == 0 {
				return fault.Invalid("split: give --max-size or --max-tensors")
			}
			file, err := gguf.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			plans, err := gguf.Split(file, o)
			if err != nil {
				return err
			}
			prefix := strings.TrimSuffix(out, ".gguf")
			if out == "" {
				prefix = strings.TrimSuffix(args[0], ".gguf")
			}
			if len(plans) == 1 {
				prefix = gguf.SplitPath(prefix, 0, 1)
			}
			return a.rearrange(cmd.Context(), file, plans, prefix, r)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&maxSize, "max-size", "", "bytes of a part, e.g. 4G or 4GiB")
	fs.IntVar(&o.MaxTensors, "max-tensors", 0, "tensors of a part")
	fs.BoolVar(&o.BareFirst, "no-tensor-first-split", false, "the first part has the key-values only")
	fs.StringVarP(&out, "output", "o", "", "prefix of the parts (default the input's name)")
	r.register(fs)
	return cmd
}

// mergeCommand joins a split set.
func (a *app) mergeCommand() *cobra.Command {
	var out string
	var r rewriting
	cmd := &cobra.Command{
		Use:   "merge PART.gguf -o OUT.gguf",
		Short: "Join the parts of a split set to one file",
		Args:  flags.Args(1, 1, "one part of a split set"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := gguf.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			if out == "" {
				prefix, _, _, ok := gguf.ParseSplitPath(args[0])
				if !ok {
					return fault.Invalid("merge: %s is not named like a part of a split set; name the output with -o", args[0])
				}
				out = prefix + ".gguf"
			}
			plan, err := gguf.Merge(file)
			if err != nil {
				return err
			}
			return a.rearrange(cmd.Context(), file, []*gguf.Plan{plan}, out, r)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write (default the parts' name without the number)")
	r.register(cmd.Flags())
	return cmd
}

// rewriting is the group of flags of commands that copy tensors.
type rewriting struct{ force, resume bool }

func (r *rewriting) register(fs *pflag.FlagSet) {
	flags.Outputs(fs, "output")
	fs.BoolVar(&r.force, "force", false, "replace existing files, and drop what a stopped run left")
	fs.BoolVar(&r.resume, "resume", false, "go on with what a stopped run left; begin where there is nothing")
}

// rearrange writes files that hold tensors of another as they are.
func (a *app) rearrange(ctx context.Context, file *gguf.File, plans []*gguf.Plan, out string, r rewriting) error {
	paths, err := a.Rearrange(ctx, file, plans, pipeline.Options{Out: out, Force: r.force, Resume: r.resume})
	if err != nil {
		return err
	}
	for _, path := range paths {
		a.Wrote(path)
	}
	return nil
}
