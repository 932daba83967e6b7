package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

// evalFlags are the flags of eval.
type evalFlags struct {
	perplexity, divergence      bool
	base, logits, saveLogits    string
	files                       []string
	context, chunks, stride     int
	maxPerplexity, maxKLD, top1 float64
	task                        map[string]*bool // by the name of its flag
	limit                       int              // tasks to run
	exact                       bool
	generation                  generation
	embedding                   embedding
}

// evalCommand measures a model.
func (a *app) evalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval MODEL -f TEXT",
		Short: "Measure a model: perplexity, divergence from another",
		Long: `Runs a GGUF file or a checkpoint folder in float32 over a text.

--perplexity cuts the text into chunks of --ctx tokens and scores the second half
of each, as llama-perplexity does. --kl-divergence runs a second model beside it,
chunk by chunk, and compares their predictions; no file of logits is needed.

--embed prints the embedding of each text, and of each file that -f names, scaled
to length 1. With --base it compares them with another model's.`,
		Example: `  mq eval --perplexity model-Q4_K_M.gguf -f wiki.test.raw
  mq eval --kl-divergence --base ./Llama-3-8B model-Q4_K_M.gguf -f wiki.test.raw --max-kld 0.05
  mq eval model-Q4_K_M.gguf --generate 'Who are you?' --chat
  mq eval bge-small.gguf --embed "What is a panda?" --base ./bge-small-en-v1.5 --min-cosine 0.999`,
		Args: flags.Args(1, 1, "one MODEL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("generate") {
				return a.generate(cmd.Context(), args[0], &f.generation)
			}
			if cmd.Flags().Changed("embed") {
				return a.embed(cmd.Context(), args[0], f.embedding, f.base, f.files)
			}
			if err := f.check(); err != nil {
				return err
			}
			a.paired = !f.exact
			for kind, chosen := range f.task {
				if *chosen {
					return a.score(cmd.Context(), args[0], kind, f.files[0], f.limit)
				}
			}
			return a.evaluate(cmd.Context(), args[0], &f)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.perplexity, "perplexity", false, "measure the perplexity (the default)")
	fs.BoolVar(&f.divergence, "kl-divergence", false, "measure the divergence from --base or --logits")
	fs.StringVar(&f.base, "base", "", "GGUF file or checkpoint folder to compare with")
	fs.StringVar(&f.logits, "logits", "", "llama-perplexity's file of logits to compare with")
	fs.StringVar(&f.saveLogits, "save-all-logits", "", "write llama-perplexity's file of logits")
	fs.StringArrayVarP(&f.files, "file", "f", nil, "text file, - for standard input (repeatable)")
	fs.IntVarP(&f.context, "ctx", "c", 512, "tokens of a chunk")
	fs.IntVar(&f.chunks, "chunks", 0, "how many chunks to run (default all)")
	fs.IntVar(&f.stride, "stride", 0, "slide the window by this many tokens instead of cutting chunks")
	fs.BoolVar(&a.rounded, "round-activations", false, "round activations to 8 bits, as llama.cpp does")
	fs.BoolVar(&f.exact, "exact", false, "compute the same bits as on every processor, where this one has a faster way")
	fs.Float64Var(&f.maxPerplexity, "max-ppl", math.Inf(1), "fail (exit 3) above this perplexity")
	fs.Float64Var(&f.maxKLD, "max-kld", math.Inf(1), "fail (exit 3) above this mean divergence")
	fs.Float64Var(&f.top1, "min-top1", 0, "fail (exit 3) below this share of equal most likely tokens, 0 to 1")
	f.task = map[string]*bool{}
	for kind := range tasks {
		f.task[kind] = fs.Bool(kind, false, "score the tasks of the file, in the form that llama-perplexity reads")
	}
	fs.IntVar(&f.limit, "tasks", 0, "how many tasks to run (default all)")
	fs.StringVar(&f.generation.prompt, "generate", "", "print how the model continues this prompt")
	fs.BoolVar(&f.generation.chat, "chat", false, "take the prompt for what a user says, in the model's chat template")
	fs.IntVarP(&f.generation.tokens, "tokens", "n", 64, "tokens to generate")
	fs.Float64Var(&f.generation.sampling.Temperature, "temp", 0, "temperature of sampling; 0 takes the most likely token")
	fs.IntVar(&f.generation.sampling.TopK, "top-k", 0, "sample among the K most likely tokens")
	fs.Float64Var(&f.generation.sampling.TopP, "top-p", 0, "sample among the tokens that make up this probability")
	fs.Uint64Var(&f.generation.sampling.Seed, "seed", 1, "seed of sampling")
	flags.Outputs(fs, "save-all-logits")
	flags.Needs(fs, "generate", "chat", "tokens", "temp")
	flags.Needs(fs, "temp", "top-k", "top-p", "seed")
	embedFlags(fs, &f.embedding)
	flags.Excludes(fs, "generate", "perplexity", "kl-divergence", "base", "logits", "save-all-logits", "file", "ctx", "chunks", "stride", "tasks",
		"max-ppl", "max-kld", "min-top1")
	flags.Excludes(fs, "base", "logits", "save-all-logits", "stride")
	flags.Excludes(fs, "logits", "save-all-logits", "stride", "file")
	kinds := slices.Sorted(maps.Keys(tasks))
	flags.Needs(fs, strings.Join(kinds, ","), "tasks")
	flags.Excludes(fs, strings.Join(kinds, ","), "ctx", "chunks", "stride", "base", "logits", "save-all-logits", "max-ppl", "max-kld", "min-top1")
	flags.MayBeEmpty(fs, "generate")
	flags.Range(fs, "temp", 0, 100)
	flags.Range(fs, "top-p", 0, 1)
	flags.Range(fs, "min-top1", 0, 1)
	flags.Range(fs, "max-ppl", 1, math.Inf(1))
	flags.Range(fs, "max-kld", 0, math.Inf(1))
	for _, name := range []string{"max-ppl", "max-kld", "min-top1"} {
		fs.Lookup(name).DefValue = "0" // which the help leaves out
	}
	return cmd
}

func (f *evalFlags) check() error {
	against := f.base != "" || f.logits != ""
	switch {
	case f.divergence && !against:
		return fault.Invalid("eval: --kl-divergence needs something to compare with: --base MODEL or --logits FILE")
	case f.base != "" && f.logits != "":
		return fault.Invalid("eval: give --base or --logits, not both")
	case len(f.files) == 0 && f.logits == "":
		return fault.Invalid("eval: give a text with -f FILE")
	case f.context < 4:
		return fault.Invalid("eval: --ctx %d: a chunk has at least 4 tokens", f.context)
	case !against && (!math.IsInf(f.maxKLD, 1) || f.top1 > 0):
		return fault.Invalid("eval: --max-kld and --min-top1 need --base or --logits")
	}
	chosen := 0
	for _, task := range f.task {
		if *task {
			chosen++
		}
	}
	if chosen > 1 || chosen == 1 && (f.perplexity || against || len(f.files) != 1) {
		return fault.Invalid("eval: a task stands alone and takes one file")
	}
	f.divergence = against
	return nil
}

func (a *app) evaluate(ctx context.Context, path string, f *evalFlags) error {
	model, words, err := a.openModel(ctx, path)
	if err != nil {
		return err
	}
	defer model.Close()
	if model.Vocabulary() == 0 {
		return fault.Unsupported("%s: the model computes embeddings, not logits; --embed prints them", path)
	}
	chunking := eval.Chunking{Context: f.context, Chunks: f.chunks, AddBOS: words.AddsBOS(), Text: strings.Join(f.files, ", ")}
	chunking.BOS, _ = words.Special("bos")

	if f.logits != "" {
		return a.divergence(ctx, path, f, func(step progress.Result[eval.Divergence]) (eval.Divergence, error) {
			file, err := eval.OpenLogits(f.logits)
			if err != nil {
				return eval.Divergence{}, err
			}
			defer file.Close()
			return eval.MeasureAgainst(ctx, file, model, chunking, step)
		})
	}
	tokens, err := a.textTokens(ctx, words, f.files)
	if err != nil {
		return err
	}
	if f.base != "" {
		base, baseWords, err := a.openModel(ctx, f.base)
		if err != nil {
			return err
		}
		defer base.Close()
		if err := sameVocabulary(path, words, f.base, baseWords); err != nil {
			return err
		}
		return a.divergence(ctx, path, f, func(step progress.Result[eval.Divergence]) (eval.Divergence, error) {
			return eval.MeasureDivergence(ctx, base, model, tokens, chunking, step)
		})
	}
	return a.perplexity(ctx, model, tokens, chunking, f)
}

func (a *app) perplexity(ctx context.Context, model *forward.Model, tokens []int32, c eval.Chunking, f *evalFlags) error {
	bar := a.Progress("perplexity")
	step := func(r progress.Report, soFar eval.Perplexity) {
		r.Note = fmt.Sprintf("PPL %.4f ± %.4f", soFar.Value, soFar.Error)
		bar.Show(r)
	}
	var result eval.Perplexity
	var err error
	switch {
	case f.saveLogits != "":
		result, err = a.saveLogits(ctx, model, tokens, c, f.saveLogits, step)
	case f.stride > 0:
		result, err = eval.MeasureStrided(ctx, model, tokens, f.stride, c, step)
	default:
		result, err = eval.MeasurePerplexity(ctx, model, tokens, c, step)
	}
	bar.Finish()
	if err != nil {
		return err
	}
	if a.JSON {
		a.Object(result)
	} else {
		a.Printf("perplexity %.4f ± %.4f  (%d tokens scored in %d chunks of %d)\n", result.Value, result.Error, result.Tokens, result.Chunks, c.Context)
	}
	if result.Value > f.maxPerplexity {
		return fault.Check("eval: perplexity %.4f is above --max-ppl %g", result.Value, f.maxPerplexity)
	}
	return nil
}

func (a *app) saveLogits(ctx context.Context, model *forward.Model, tokens []int32, c eval.Chunking, path string, step progress.Result[eval.Perplexity]) (eval.Perplexity, error) {
	file, err := atomicfile.Create(path, atomicfile.Options{})
	if err != nil {
		return eval.Perplexity{}, err
	}
	defer file.Abort()
	result, err := eval.SaveLogits(ctx, io.Writer(file), model, tokens, c, step)
	if err != nil {
		return result, err
	}
	return result, file.Commit()
}

func (a *app) divergence(ctx context.Context, path string, f *evalFlags, measure func(progress.Result[eval.Divergence]) (eval.Divergence, error)) error {
	bar := a.Progress("divergence")
	d, err := measure(func(r progress.Report, soFar eval.Divergence) {
		r.Note = fmt.Sprintf("KLD %.5f", soFar.KLD.Value)
		bar.Show(r)
	})
	bar.Finish()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.JSON {
		a.Object(map[string]any{
			"file": path, "base": cmp.Or(f.base, f.logits), "perplexity": d.Perplexity.Value, "stderr": d.Perplexity.Error, "tokens": d.Tokens, "chunks": d.Chunks,
			"kld":    map[string]any{"mean": d.KLD.Value, "stderr": d.KLD.Error, "max": d.KLDs.Max, "p99": d.KLDs.P99, "median": d.KLDs.Median, "distribution": d.KLDs},
			"top1":   d.SameTop.Value,
			"detail": d,
		})
	} else {
		a.printDivergence(d)
	}
	switch {
	case d.Perplexity.Value > f.maxPerplexity:
		return fault.Check("eval: perplexity %.4f is above --max-ppl %g", d.Perplexity.Value, f.maxPerplexity)
	case d.KLD.Value > f.maxKLD:
		return fault.Check("eval: mean divergence %.6f is above --max-kld %g", d.KLD.Value, f.maxKLD)
	case d.SameTop.Value < f.top1:
		return fault.Check("eval: top-1 agreement %.4f is below --min-top1 %g", d.SameTop.Value, f.top1)
	}
	return nil
}

func (a *app) printDivergence(d eval.Divergence) {
	row := func(name string, m eval.Measure) []string {
		return []string{name, fmt.Sprintf("%.6f", m.Value), fmt.Sprintf("± %.6f", m.Error)}
	}
	one := func(name string, v float64) []string { return []string{name, fmt.Sprintf("%.6f", v), ""} }
	a.Table(a.Out, [][]string{
		row("perplexity", d.Perplexity), row("perplexity of the base", d.Base), row("ln ratio", d.LogRatio),
		row("ratio", d.Ratio), row("difference", d.Difference), one("correlation of ln PPL", d.Correlation),
		row("KLD mean", d.KLD), one("KLD max", d.KLDs.Max), one("KLD 99.9 %", d.KLDs.P999), one("KLD 99 %", d.KLDs.P99),
		one("KLD 95 %", d.KLDs.P95), one("KLD median", d.KLDs.Median), one("KLD 1 %", d.KLDs.P1), one("KLD min", d.KLDs.Min),
		row("Δp mean", d.DeltaP), one("Δp max", d.DeltaPs.Max), one("Δp 99 %", d.DeltaPs.P99), one("Δp median", d.DeltaPs.Median),
		one("Δp 1 %", d.DeltaPs.P1), one("Δp min", d.DeltaPs.Min), row("Δp RMS", d.RMSDelta), row("top-1 agreement", d.SameTop),
	})
	a.Printf("%d tokens scored in %d chunks\n", d.Tokens, d.Chunks)
}

// textTokens encodes texts, one after the other, with what the vocabulary
// wants in front of the first.
func (a *app) textTokens(ctx context.Context, words *tokenizer.Tokenizer, files []string) ([]int32, error) {
	text, err := a.texts(files)
	if err != nil {
		return nil, err
	}
	return words.Encode(ctx, text, tokenizer.Options{AddSpecial: true})
}

// texts reads text files, one after the other.
func (a *app) texts(files []string) (string, error) {
	var text strings.Builder
	for _, name := range files {
		part, err := a.ReadText(name)
		if err != nil {
			return "", err
		}
		// llama-perplexity drops one line end at the end of a file.
		text.WriteString(strings.TrimSuffix(part, "\n"))
	}
	return text.String(), nil
}

// sameVocabulary refuses models whose ids mean different texts.
func sameVocabulary(path string, words *tokenizer.Tokenizer, basePath string, base *tokenizer.Tokenizer) error {
	for id := range int32(min(words.Size(), base.Size())) {
		if words.TokenBytes(id) != base.TokenBytes(id) {
			return fault.Corrupt("%s and %s have different vocabularies: token %d is %q in the one and %q in the other",
				path, basePath, id, words.TokenBytes(id), base.TokenBytes(id))
		}
	}
	return nil
}
