package cli

import (
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/validate"
)

// validateCommand judges a GGUF file, by itself or against its source.
func (a *app) validateCommand() *cobra.Command {
	var o validate.Options
	var kld, top1, ratio, cosine float64
	var html, markdown, matrix string
	var rederive bool
	var texts flags.Texts
	cmd := &cobra.Command{
		Use:   "validate OUT.gguf [--against DIR|REF.gguf]",
		Short: "Check a GGUF file, and compare it with what it was made from",
		Long: `Checks the structure of a GGUF file: layout, key-values, the tensors that the
architecture needs, vocabulary, chat template, values that are not numbers.
With --against every tensor is compared with the source and both models run on
a built-in text. A broken structure ends with exit code 5, wrong numbers or
logits with 3.`,
		Example: `  mq validate model-Q4_K_M.gguf
  mq validate model-Q4_K_M.gguf --against ./Llama-3-8B --report report.html
  mq validate model-Q8_0.gguf --against model-BF16.gguf --max-kld 0.01 --markdown summary.md`,
		Args: flags.Args(1, 1, "one GGUF file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, limit := range []struct {
				flag  string
				value *float64
				to    **float64
			}{{"max-kld", &kld, &o.Limits.MaxKLD}, {"min-top1", &top1, &o.Limits.MinTop1}, {"max-ppl-ratio", &ratio, &o.Limits.MaxRatio}, {"min-cosine", &cosine, &o.Limits.MinCosine}} {
				if !cmd.Flags().Changed(limit.flag) {
					continue
				}
				*limit.to = limit.value
			}
			outputs := []output{{html, (*validate.Report).WriteHTML}, {markdown, (*validate.Report).WriteMarkdown}}
			inputs := []string{args[0]}
			if o.Against != "" {
				inputs = append(inputs, o.Against)
			}
			for _, out := range outputs {
				if err := out.check(inputs...); err != nil {
					return err
				}
			}
			report, err := a.Validate(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			report.Made = &validate.Making{Date: time.Now().Truncate(time.Second), Version: a.Version, Command: a.command}
			a.printReport(report)
			for _, out := range outputs {
				if err := out.write(a, report); err != nil {
					return err
				}
			}
			if err := report.Err(); err != nil || !rederive {
				return err
			}
			refined, err := texts.Read(a.ReadText)
			if err != nil {
				return err
			}
			return a.Rederive(cmd.Context(), args[0], o.Against, matrix, refined)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Against, "against", "", "checkpoint folder or GGUF file that the file was made from")
	fs.Float64Var(&kld, "max-kld", 0, "largest mean KL divergence in nats (default by bits per weight)")
	fs.Float64Var(&top1, "min-top1", 0, "smallest share, 0 to 1, of positions with the source's most likely token")
	fs.Float64Var(&ratio, "max-ppl-ratio", 0, "largest perplexity, as a multiple of the source's")
	fs.Float64Var(&cosine, "min-cosine", 0, "smallest cosine of a position's embedding, of models without logits")
	fs.StringVar(&html, "report", "", "write a self-contained HTML page")
	fs.StringVar(&markdown, "markdown", "", "write a summary in Markdown")
	fs.BoolVar(&o.SkipLogits, "no-logits", false, "compare tensors but do not run the models")
	fs.BoolVar(&rederive, "rederive", false, "make the file again from --against and compare every byte of its tensors")
	fs.StringVar(&matrix, "imatrix", "", "importance matrix for --rederive (default the one that the file names)")
	texts.Register(fs)
	flags.Outputs(fs, "report", "markdown")
	flags.Needs(fs, "against", "no-logits", "rederive", "max-kld", "min-top1", "max-ppl-ratio", "min-cosine")
	flags.Needs(fs, "rederive", "imatrix", "refine")
	flags.Excludes(fs, "no-logits", "max-kld", "min-top1", "max-ppl-ratio", "min-cosine")
	flags.Range(fs, "min-top1", 0, 1)
	flags.Range(fs, "min-cosine", -1, 1)
	flags.Range(fs, "max-kld", 0, math.Inf(1))
	flags.Range(fs, "max-ppl-ratio", 0, math.Inf(1))
	return cmd
}

// printReport shows a report on stdout: one object, or checks and findings.
func (a *app) printReport(r *validate.Report) {
	if a.JSON {
		a.Object(r)
		return
	}
	rows := [][]string{{"CHECK", "", ""}}
	for _, c := range r.Checks {
		rows = append(rows, []string{c.Name, string(c.Severity), c.Detail})
	}
	a.Table(a.Out, rows)
	for _, f := range r.Findings {
		a.Printf("%s: %s: %s\n", f.Severity, f.Check, f)
	}
	a.Printf("verdict: %s\n", r.Verdict)
}

// output is one form of the report that goes to a file.
type output struct {
	path   string
	format func(*validate.Report, io.Writer) error
}

// check finds what is wrong with the file before work starts.
func (o output) check(inputs ...string) error {
	if o.path == "" {
		return nil
	}
	return atomicfile.Check(o.path, atomicfile.Options{Force: true, Inputs: inputs})
}

// write puts the report under its name when it is whole.
func (o output) write(a *app, r *validate.Report) error {
	if o.path == "" {
		return nil
	}
	file, err := atomicfile.Create(o.path, atomicfile.Options{Force: true})
	if err != nil {
		return err
	}
	defer file.Abort()
	if err := o.format(r, file); err != nil {
		return err
	}
	if err := file.Commit(); err != nil {
		return err
	}
	a.Wrote(o.path)
	return nil
}
