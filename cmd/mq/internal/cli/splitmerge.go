package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
)

// splitCommand cuts a file into a split set.
func (a *app) splitCommand() *cobra.Command {
	var maxSize, out string
	var o gguf.SplitOptions
	var force bool
	cmd := &cobra.Command{
		Use:   "split IN.gguf",
		Short: "Cut a GGUF file into a split set",
		Args:  exactArgs(1, "one GGUF file"),
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
			var paths []string
			for i := range plans {
				paths = append(paths, gguf.SplitPath(prefix, i, len(plans)))
			}
			return a.copyTensors(cmd.Context(), file, plans, paths, force)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&maxSize, "max-size", "", "bytes of a part, e.g. 4G or 4GiB")
	flags.IntVar(&o.MaxTensors, "max-tensors", 0, "tensors of a part")
	flags.BoolVar(&o.BareFirst, "no-tensor-first-split", false, "the first part has the key-values only")
	flags.StringVarP(&out, "output", "o", "", "prefix of the parts (default the input's name)")
	flags.BoolVar(&force, "force", false, "replace existing files")
	return cmd
}

// mergeCommand joins a split set.
func (a *app) mergeCommand() *cobra.Command {
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "merge PART.gguf -o OUT.gguf",
		Short: "Join the parts of a split set to one file",
		Args:  exactArgs(1, "one part of a split set"),
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
			return a.copyTensors(cmd.Context(), file, []*gguf.Plan{plan}, []string{out}, force)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write (default the parts' name without the number)")
	cmd.Flags().BoolVar(&force, "force", false, "replace an existing file")
	return cmd
}

// copyTensors writes files that hold tensors of another as they are. All get
// their names together, when all are whole.
func (a *app) copyTensors(ctx context.Context, file *gguf.File, plans []*gguf.Plan, paths []string, force bool) error {
	options := atomicfile.Options{Force: force, Inputs: file.Parts()}
	if !force {
		options.Stale = atomicfile.Refuse
	}
	var total, done int64
	sizes := make([]int64, len(plans))
	for i, plan := range plans {
		if err := atomicfile.Check(paths[i], options); errors.Is(err, atomicfile.ErrUnfinished) && !force {
			return fault.Place{}.Kind(atomicfile.ErrExists).Of(err) // there is no resuming
		} else if err != nil {
			return err
		}
		sizes[i] = plan.TotalSize()
		total += sizes[i]
	}
	if err := atomicfile.CheckSpace(paths, sizes); err != nil {
		return err
	}
	bar := a.Progress("writing", total, ui.ByteCount).Events()
	defer bar.Finish()
	files := make([]*atomicfile.File, len(plans))
	for i, plan := range plans {
		out, err := atomicfile.Create(paths[i], options)
		if err != nil {
			return err
		}
		defer out.Abort()
		if err := out.Preallocate(plan.TotalSize()); err != nil {
			return err
		}
		err = gguf.Copy(ctx, &releasing{file: out}, plan, file, func(r progress.Report) { bar.Set(done+r.Done, "") })
		done += sizes[i]
		if err != nil {
			return err
		}
		files[i] = out
	}
	bar.Finish()
	for i, out := range files {
		if err := out.Commit(); err != nil {
			return err
		}
		a.Wrote(paths[i])
	}
	return nil
}

// releasing writes a file from its beginning to its end and lets the system
// forget what is written.
type releasing struct {
	file *atomicfile.File
	off  int64
}

func (r *releasing) Write(p []byte) (int, error) {
	n, err := r.file.Write(p)
	r.file.Release(r.off, int64(n))
	r.off += int64(n)
	return n, err
}
