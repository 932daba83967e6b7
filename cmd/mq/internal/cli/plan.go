package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// usualTypes are what plan shows where no type is asked for.
var usualTypes = []string{"BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "Q2_K"}

// planCommand checks an input and shows what could be made of it.
func (a *app) planCommand() *cobra.Command {
	f := convertFlags{output: outputFlags{dryRun: true, force: true, resume: true}}
	cmd := &cobra.Command{
		Use:   "plan DIR|FILE.gguf [-t TYPE[,TYPE...]]",
		Short: "Check a model and show what converting it would give and need",
		Long: `Checks a checkpoint folder or a GGUF file from the headers alone: that its files are
present and whole, its tensors known, its tokenizer understood. Shows the size that
the usual types, or those given, would have; with one type also every tensor.`,
		Example: `  mq plan ./Llama-3-8B
  mq plan ./Llama-3-8B -t q4_k_m --imatrix llama.imatrix.gguf --json
  mq plan ./Llama-3-8B --target-bpw 4.5 --save-types types.txt`,
		Args: exactArgs(1, "one checkpoint folder or GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.recipe.typeOfLike(); err != nil {
				return err
			}
			given := f.recipe.names()
			if len(given) == 0 {
				f.recipe.types = usualTypes
			}
			f.output.out = "{type}"
			f.recipe.options.AllowRequantize = true
			p, source, err := a.planAny(cmd.Context(), args[0], &f)
			if err != nil {
				return err
			}
			defer source.Close()
			if len(given) == 1 {
				for _, t := range p.Targets {
					a.printPlan(t)
				}
			}
			return a.printOptions(p, len(given) > 0)
		},
	}
	f.recipe.register(cmd)
	registerPre(cmd.Flags(), &f.pre)
	return cmd
}

// planAny plans a checkpoint folder or a GGUF file.
func (a *app) planAny(ctx context.Context, path string, f *convertFlags) (p *production, source io.Closer, err error) {
	folder, err := isFolder(path)
	if err != nil {
		return nil, nil, err
	}
	var plan func() (*production, error)
	if folder {
		ckpt, err := hf.Open(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		source, plan = ckpt, func() (*production, error) { return a.planConversion(ctx, ckpt, path, f) }
	} else {
		if f.pre != "" {
			return nil, nil, fault.Invalid("plan: --pre: %s is no checkpoint folder: a GGUF file names its own pre-tokenizer", path)
		}
		file, err := gguf.Open(path)
		if err != nil {
			return nil, nil, err
		}
		source, plan = file, func() (*production, error) { return a.planFile(ctx, file, f) }
	}
	if err = a.prepare(ctx, path, &f.recipe, &f.output, plan); err == nil {
		p, err = plan()
	}
	if err != nil {
		return nil, nil, errors.Join(err, source.Close())
	}
	return p, source, nil
}

// planFile plans the quantization of a GGUF file.
func (a *app) planFile(ctx context.Context, file *gguf.File, f *convertFlags) (*production, error) {
	p, err := a.planQuantization(ctx, file, &f.recipe, &f.output)
	if err != nil {
		return nil, err
	}
	return p, a.describeTokenizer(p, file.KVs())
}

// printOptions shows the report without what a target alone has. The targets
// are made together, or are a choice of which one will be made.
func (a *app) printOptions(p *production, together bool) error {
	r := &preflightReport{Source: p.origin, Tokenizer: p.tokenizer}
	made := *p
	if !together {
		made.Targets = p.Targets[:1]
	}
	var err error
	if r.Memory, err = a.planMemory(&made); err != nil {
		return err
	}
	rows := [][]string{{"TYPE", "SIZE", "BITS/WEIGHT", "TENSORS", "FALLBACKS"}}
	for _, t := range p.Targets {
		s := t.Plan.Summary
		r.Outputs = append(r.Outputs, plannedOut{Type: t.Plan.Recipe.Name, Files: len(t.Plan.Files), Summary: s, Coverage: t.Plan.Coverage})
		rows = append(rows, []string{t.Plan.Recipe.Name, ui.Bytes(s.FileBytes), fmt.Sprintf("%.2f", s.Bits), fmt.Sprint(s.Tensors), fmt.Sprint(s.Fallbacks)})
	}
	if a.JSON {
		a.Object(struct {
			Type string `json:"type"`
			*preflightReport
		}{"preflight", r})
		return nil
	}
	a.printSource(r)
	for _, o := range r.Outputs {
		if o.Coverage != nil {
			a.Printf("imatrix    %s: %s\n", o.Type, o.Coverage)
		}
	}
	a.Table(a.Out, rows)
	return nil
}
