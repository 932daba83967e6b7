package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/cmd/mq/internal/produce"
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
	recipe recipeFlags
	output outputFlags
	name   string
	pre    string // tokenizer.ggml.pre
}

// registerPre adds the flag that names the pre-tokenizer.
func registerPre(flags *pflag.FlagSet, pre *string) {
	flags.StringVar(pre, "pre", "", "pre-tokenizer (tokenizer.ggml.pre) to take instead of the one that is recognized")
}

// convertCommand makes GGUF files from a checkpoint folder.
func (a *app) convertCommand() *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:   "convert DIR [-t TYPE[,TYPE...]]",
		Short: "Convert a checkpoint folder to GGUF, quantized in the same pass",
		Long: `Converts a Hugging Face checkpoint folder to GGUF, in the source's own precision
(the type auto) or quantized, in one pass and without an intermediate file. It ends
by running a prompt through the checkpoint and through the file and compares them.

A file gets its name when it is whole, checked and on disk. A run that is stopped
goes on with --resume.`,
		Example: `  mq convert ./Llama-3-8B
  mq convert ./Llama-3-8B -t q4_k_m
  mq convert ./Llama-3-8B -t q4_k_m,q8_0 -o 'llama-{type}.gguf'
  mq convert ./Llama-3-8B -t iq2_xs --imatrix-from calibration.txt
  mq convert ./Llama-3-8B --target-size 4.5G`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && strings.HasPrefix(args[0], "hf.co/") {
				return fault.Unsupported("convert: %s: mq does not download; fetch the repository first and give its folder", args[0])
			}
			return exactArgs(1, "one checkpoint folder")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.convert(cmd.Context(), args[0], &f) },
	}
	f.recipe.register(cmd)
	f.output.register(cmd, "in this folder")
	flags := cmd.Flags()
	registerPre(flags, &f.pre)
	flags.StringVar(&f.name, "model-name", "", "general.name of the file (default from the model card or the folder)")
	flags.BoolVar(&f.output.noVerify, "no-verify", false, "do not compare the file with the source at the end")
	return cmd
}

func (a *app) convert(ctx context.Context, dir string, f *convertFlags) error {
	if err := f.output.parse(); err != nil {
		return err
	}
	if err := f.recipe.typeOfLike(); err != nil {
		return err
	}
	ckpt, err := hf.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer ckpt.Close()
	plan := func() (*production, error) { return a.planConversion(ctx, ckpt, dir, f) }
	if err := a.prepare(ctx, dir, &f.recipe, &f.output, plan); err != nil {
		return err
	}
	p, err := plan()
	if err != nil {
		return err
	}
	for _, w := range p.warnings {
		a.Warn("%s", w)
	}
	source, err := a.prepareCheck(ctx, p, dir)
	if err != nil {
		return err
	}
	defer source.Close()
	return a.produce(ctx, p)
}

// prepareCheck opens the source for the check at the end, before the work: a
// model that cannot run is known now.
func (a *app) prepareCheck(ctx context.Context, p *production, dir string) (io.Closer, error) {
	if len(p.prompt) == 0 || p.flags.dryRun {
		return io.NopCloser(nil), nil
	}
	source, err := forward.Open(ctx, dir, forward.Options{
		Run: forward.Run{Workers: a.jobs}, Expressible: true, ReleaseBehind: p.origin.Bytes > a.budget(),
	})
	if err != nil {
		return nil, err
	}
	p.Check = a.verifier(p, source, p.prompt)
	return source, nil
}

// planConversion finds out what a conversion writes.
func (a *app) planConversion(ctx context.Context, ckpt *hf.Checkpoint, dir string, f *convertFlags) (*production, error) {
	names := f.recipe.names()
	if len(names) == 0 {
		names = []string{convert.Auto.String()}
	}
	options := convert.Options{Type: convert.Auto, Encoder: encoder, Pre: f.pre}
	if f.name != "" {
		options.Metadata = map[string]string{"name": f.name}
	}
	direct, isDirect := convert.ParseFileType(names[0])
	isDirect = isDirect && len(names) == 1
	if isDirect && f.recipe.mixes() {
		if direct == convert.Auto {
			return nil, fault.Invalid("convert: --override-kv, --tensor-type and the other options of quantization need a type: give one with -t, e.g. -t bf16")
		}
		isDirect = false
	}
	if isDirect {
		options.Type = direct
	}
	options.ForQuantizer = !isDirect
	plan, err := convert.NewPlan(ctx, ckpt, options)
	if err != nil {
		return nil, err
	}
	p := &production{flags: &f.output, agreement: map[string]any{}}
	p.Sources, p.kvs = plan.Streams, plan.KVs
	p.Source, p.Unchanged = produce.CheckpointSource(ckpt), ckpt.Unchanged
	p.describe(ckpt, dir, plan)
	if p.origin.Bytes > a.budget() {
		ckpt.ReleaseBehind()
	}
	p.Inputs = append(p.Inputs, f.recipe.files()...)
	if err := a.planPrompt(p, plan); err != nil {
		return nil, err
	}
	infos := make([]gguf.TensorInfo, len(plan.Streams))
	for i, s := range plan.Streams {
		infos[i] = s.TensorInfo
	}
	p.warnings = slices.Concat(plan.Warnings, f.recipe.idle(infos))
	add := func(q *quantize.Plan, typeName string) error {
		path, err := outputPath(f.output.out, ".", modelName(dir), typeName, len(names) > 1)
		if err != nil {
			return err
		}
		t, err := f.output.target(path, q)
		p.Targets = append(p.Targets, t)
		return err
	}
	if isDirect {
		q, err := quantize.Keep(strings.ToUpper(plan.Type.String()), plan.KVs, infos)
		if err != nil {
			return nil, err
		}
		return p, add(q, strings.ToUpper(plan.Type.String()))
	}
	recipes, err := f.recipe.recipes()
	if err != nil {
		return nil, err
	}
	quantization, err := f.recipe.build(ctx)
	if err != nil {
		return nil, err
	}
	quantization.Overrides = append(quantization.Overrides, keepEncoded(infos)...)
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
	return p, nil
}

// keepEncoded leaves tensors alone that the checkpoint has in few bits itself.
func keepEncoded(infos []gguf.TensorInfo) []quantize.Override {
	var kept []quantize.Override
	for _, t := range infos {
		if t.Type.Quantized() {
			if o, err := quantize.ParseOverride("^" + regexp.QuoteMeta(t.Name) + "$=" + t.Type.String()); err == nil {
				kept = append(kept, o)
			}
		}
	}
	return kept
}

// describe notes what is converted.
func (p *production) describe(ckpt *hf.Checkpoint, dir string, plan *convert.Plan) {
	used := map[string]bool{}
	for _, names := range plan.Sources {
		for _, name := range names {
			used[name] = true
		}
	}
	p.origin = origin{
		Name: ckpt.Name(), Format: ckpt.Layout().String(), Architecture: plan.Arch.Name,
		Tensors: len(ckpt.Tensors()), Ignored: len(ckpt.Tensors()) - len(used),
	}
	for _, file := range ckpt.Files() {
		p.Inputs = append(p.Inputs, filepath.Join(dir, filepath.FromSlash(file.Name)))
		p.origin.Files++
		p.origin.Bytes += file.Size
	}
}

// planPrompt reads the vocabulary that will be written and chooses what the
// result is checked with. A part of a set cannot run.
func (a *app) planPrompt(p *production, plan *convert.Plan) error {
	words, err := tokenizer.FromGGUF(plan.KVs)
	if err != nil {
		return err
	}
	p.tokenizer = tokenizerText(words)
	if p.flags.noVerify || p.flags.partCount > 0 {
		return nil
	}
	p.prompt = eval.FitPrompt(eval.Prompt(words), words.Size())
	p.vocabulary = words.Size()
	return nil
}

// describeTokenizer notes what the vocabulary of a GGUF file is, if it has one.
func (a *app) describeTokenizer(p *production, kvs gguf.KVs) error {
	if !kvs.Has("tokenizer.ggml.model") {
		p.tokenizer = "none"
		return nil
	}
	words, err := tokenizer.FromGGUF(kvs)
	if err != nil {
		return err
	}
	p.tokenizer = tokenizerText(words)
	return nil
}

func tokenizerText(t *tokenizer.Tokenizer) string {
	return fmt.Sprintf("%s, pre-tokenizer %s, %d tokens", t.Model(), cmp.Or(t.Pre(), "none"), t.Size())
}

// encoder gives the converter the block types, which it does not know itself.
func encoder(t gguf.Type) (transform.Encoder, bool) {
	row, ok := quantize.ByID(t)
	if !ok || row.NeedsWeights {
		return nil, false
	}
	return row.Encode, true
}

// sizeFlag reads the value of a flag that is a file size.
func sizeFlag(flag, text string) (int64, error) {
	n, err := ui.ParseBytes(text, 1000)
	if err != nil {
		return 0, fault.Invalid("%s: %w", flag, err)
	}
	if n <= 0 {
		return 0, fault.Invalid("%s %s: a size above zero is needed", flag, text)
	}
	return n, nil
}
