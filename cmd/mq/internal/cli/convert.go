package cli

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/convert"
	"github.com/f190792d/mq/convert/transform"
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/quantize"
)

// convertFlags are the flags of convert beside those of the recipes.
type convertFlags struct {
	recipe                  recipeFlags
	out, splitMaxSize, name string
	force, dryRun, noVerify bool
}

// convertCommand makes GGUF files from a checkpoint folder.
func (a *app) convertCommand() *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:   "convert DIR [-t TYPE[,TYPE...]]",
		Short: "Convert a checkpoint folder to GGUF, quantized in the same pass",
		Long: `Converts a Hugging Face checkpoint folder to GGUF, in the source's own precision
(the type auto) or quantized, in one pass and without an intermediate file. It ends
by running a prompt through the checkpoint and through the file and compares them.`,
		Example: `  mq convert ./Llama-3-8B
  mq convert ./Llama-3-8B -t q4_k_m
  mq convert ./Llama-3-8B -t q4_k_m,q8_0 -o 'llama-{type}.gguf'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && strings.HasPrefix(args[0], "hf.co/") {
				return fault.Unsupported("convert: %s: mq does not download; fetch the repository first and give its folder", args[0])
			}
			return exactArgs(1, "one checkpoint folder")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.convert(cmd.Context(), args[0], &f) },
	}
	f.recipe.register(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "file to write; {type} stands for the type's name (default NAME-TYPE.gguf in this folder)")
	flags.StringVar(&f.name, "model-name", "", "general.name of the file (default from the model card or the folder)")
	flags.StringVar(&f.splitMaxSize, "split-max-size", "", "write a split set of files of at most this size, e.g. 4G (powers of 1000)")
	flags.BoolVar(&f.force, "force", false, "replace existing files")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be written and stop")
	flags.BoolVar(&f.noVerify, "no-verify", false, "do not compare the file with the source at the end")
	return cmd
}

func (a *app) convert(ctx context.Context, dir string, f *convertFlags) error {
	ckpt, err := hf.Open(dir)
	if err != nil {
		return err
	}
	defer ckpt.Close()
	p := &production{force: f.force}
	for _, file := range ckpt.Files() {
		p.inputs = append(p.inputs, filepath.Join(dir, filepath.FromSlash(file.Name)))
	}
	plan, err := a.planConversion(ckpt, dir, f, p)
	if err != nil {
		return err
	}
	if f.dryRun {
		a.printPlan(p.targets)
		return nil
	}
	if err := p.preflight(); err != nil {
		return err
	}
	for _, t := range p.targets {
		a.planned(t)
	}
	if !f.noVerify {
		// Opened before the work: a model that cannot run is known now.
		source, err := forward.Open(dir)
		if err != nil {
			return err
		}
		defer source.Close()
		source.SetWorkers(a.jobs)
		words, err := tokenizer.FromGGUF(plan.KVs)
		if err != nil {
			return err
		}
		p.check = a.verifier(source, eval.Prompt(words))
	}
	if err := a.produce(ctx, p); err != nil {
		return err
	}
	return ckpt.Unchanged()
}

// planConversion fills in the sources and targets of a production.
func (a *app) planConversion(ckpt *hf.Checkpoint, dir string, f *convertFlags, p *production) (*convert.Plan, error) {
	names := f.recipe.names()
	if len(names) == 0 {
		names = []string{convert.Auto.String()}
	}
	options := convert.Options{Type: convert.Auto, Encoder: encoder}
	if f.name != "" {
		options.Metadata = map[string]string{"general.name": f.name}
	}
	direct, isDirect := convert.ParseFileType(names[0])
	isDirect = isDirect && len(names) == 1
	if isDirect {
		options.Type = direct
	}
	plan, err := convert.NewPlan(ckpt, options)
	if err != nil {
		return nil, err
	}
	p.sources = plan.Streams
	infos := make([]gguf.TensorInfo, len(plan.Streams))
	for i, s := range plan.Streams {
		infos[i] = s.TensorInfo
	}
	add := func(q *quantize.Plan, typeName string) error {
		if f.splitMaxSize != "" {
			size, err := sizeFlag("--split-max-size", f.splitMaxSize)
			if err != nil {
				return err
			}
			if err := q.Split(gguf.SplitOptions{MaxSize: size}); err != nil {
				return err
			}
		}
		path, err := outputPath(f.out, ".", baseName(dir), typeName, len(names) > 1)
		p.targets = append(p.targets, target{path, q})
		return err
	}
	if isDirect {
		q, err := quantize.Keep(strings.ToUpper(plan.Type.String()), plan.KVs, infos)
		if err != nil {
			return nil, err
		}
		return plan, add(q, strings.ToUpper(plan.Type.String()))
	}
	recipes, err := f.recipe.recipes()
	if err != nil {
		return nil, err
	}
	quantization, err := f.recipe.build()
	if err != nil {
		return nil, err
	}
	for _, r := range recipes {
		quantization.Recipe = r
		q, err := quantize.NewPlan(plan.KVs, infos, quantization)
		if err != nil {
			return nil, err
		}
		if err := add(q, r.Name); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// encoder gives the converter the block types, which it does not know itself.
func encoder(t gguf.Type) (transform.Encoder, bool) {
	row, ok := quantize.ByID(t)
	if !ok || row.NeedsWeights {
		return nil, false
	}
	return func(dst []byte, src []float32) { row.Quantize(dst, src, nil) }, true
}

// maxVerifiedKLD is the mean divergence above which a conversion has failed,
// for files of so many bits per weight and more: an order of magnitude above
// what quantization alone does to trained models, two below what a wrong
// transform does.
var maxVerifiedKLD = []struct{ bits, kld float64 }{{16, 0.01}, {8, 0.05}, {5.5, 0.2}, {4, 0.7}, {3, 1.5}, {0, 6}}

// verifier returns the check that compares a file with its source.
func (a *app) verifier(source *forward.Model, prompt []int32) func(context.Context, target, []string) error {
	return func(ctx context.Context, t target, unfinished []string) error {
		a.Note("checking %s against the source", t.path)
		file, err := gguf.OpenParts(unfinished)
		if err != nil {
			return err
		}
		written, err := forward.FromGGUF(file)
		if err != nil {
			return err
		}
		defer written.Close()
		written.SetWorkers(a.jobs)
		agreement, err := eval.Compare(ctx, source, written, prompt)
		if err != nil {
			return err
		}
		if a.JSON {
			a.Event("verify", map[string]any{
				"path": t.path, "top1": agreement.Top1, "tokens": agreement.Tokens,
				"kld": map[string]any{"mean": agreement.MeanKLD, "max": agreement.MaxKLD},
			})
		} else {
			a.Note("%s agrees with the source: top-1 %.1f %% of %d tokens, KL divergence mean %.5f, max %.5f",
				filepath.Base(t.path), 100*agreement.Top1, agreement.Tokens, agreement.MeanKLD, agreement.MaxKLD)
		}
		return judge(t, agreement)
	}
}

// judge fails a file that is further from its source than its type explains.
func judge(t target, agreement eval.Agreement) error {
	for _, limit := range maxVerifiedKLD {
		if t.plan.Summary.Bits < limit.bits {
			continue
		}
		if !(agreement.MeanKLD <= limit.kld) {
			return fault.Check("%s: differs from its source by a mean KL divergence of %.4f, more than %g: it is not a true conversion and was not kept (--no-verify keeps it)",
				t.path, agreement.MeanKLD, limit.kld)
		}
		return nil
	}
	return nil
}

// sizeFlag reads the value of a flag that is a file size.
func sizeFlag(flag, text string) (int64, error) {
	n, err := ui.ParseBytes(text, 1000)
	if err != nil {
		return 0, fault.Usage("%s: %w", flag, err)
	}
	if n <= 0 {
		return 0, fault.Usage("%s %s: a size above zero is needed", flag, text)
	}
	return n, nil
}
