package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/pipeline"
)

// imatrixFlags are the flags of imatrix.
type imatrixFlags struct {
	files, inputs []string
	out, format   string
	context       int
	chunks, skip  int
	every, copies int // chunks between outputs on the way, and between copies
	output, stats bool
	score, force  bool
	special       bool
}

// imatrixCommand collects importance matrices, merges and describes them.
func (a *app) imatrixCommand() *cobra.Command {
	var f imatrixFlags
	cmd := &cobra.Command{
		Use:   "imatrix MODEL -f TEXT -o OUT.gguf",
		Short: "Collect an importance matrix from a model and a text",
		Long: `Runs a GGUF file or a checkpoint folder over a text and collects the squared
activations of every input column. With --in-file and no MODEL it merges, converts
or describes (--show-statistics) matrices that exist; with both it adds to them.

With --output-frequency the matrix is written on the way too. A collection that was
stopped goes on from there: mq imatrix MODEL -f TEXT --in-file OUT.gguf --from-chunk N
with the N that 'mq inspect OUT.gguf' shows as imatrix.chunk_count.`,
		Example: `  mq imatrix model-BF16.gguf -f calibration.txt -o model.imatrix.gguf
  mq imatrix --in-file a.gguf --in-file b.dat -o both.gguf
  mq imatrix --in-file model.imatrix.gguf --show-statistics`,
		Args: flags.Args(0, 1, "at most one MODEL"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.imatrix(cmd.Context(), args, &f) },
	}
	fs := cmd.Flags()
	fs.StringArrayVarP(&f.files, "file", "f", nil, "text file, - for standard input (repeatable)")
	fs.StringSliceVar(&f.inputs, "in-file", nil, "importance matrix to add to (repeatable)")
	fs.StringVarP(&f.out, "output", "o", "", "file to write (default NAME.imatrix.gguf)")
	fs.StringVar(&f.format, "output-format", "", "gguf or dat (default by the name of the output)")
	fs.IntVarP(&f.context, "ctx", "c", 512, "tokens of a chunk")
	fs.IntVar(&f.chunks, "chunks", 0, "how many chunks to run (default all)")
	fs.IntVar(&f.skip, "from-chunk", 0, "how many chunks to leave out at the start")
	fs.IntVar(&f.every, "output-frequency", 0, "write the output every N chunks too (default only at the end)")
	fs.IntVar(&f.copies, "save-frequency", 0, "write a copy, OUT.at_N, every N chunks (default none)")
	fs.BoolVar(&f.special, "parse-special", false, "recognize special tokens such as <|eot_id|> in the text")
	fs.BoolVar(&f.output, "process-output", false, "collect for output.weight too")
	fs.BoolVar(&f.score, "ppl", false, "measure the perplexity on the way")
	fs.BoolVar(&f.stats, "show-statistics", false, "print the statistics of the result")
	fs.BoolVar(&f.force, "force", false, "replace an existing file")
	flags.Outputs(fs, "output")
	flags.Needs(fs, "file", "ctx", "chunks", "from-chunk", "output-frequency", "save-frequency", "parse-special", "process-output", "ppl")
	flags.MayBeEmpty(fs, "from-chunk")
	return cmd
}

// check refuses contradictory and missing options, before any work.
func (f *imatrixFlags) check(args []string) error {
	switch {
	case len(args) == 0 && len(f.inputs) == 0:
		return fault.Invalid("imatrix: give a MODEL and a text, or matrices with --in-file")
	case len(args) == 1 && len(f.files) == 0:
		return fault.Invalid("imatrix: give a text with -f FILE")
	case len(args) == 0 && len(f.files) > 0:
		return fault.Invalid("imatrix: a text needs a MODEL to run it through")
	case f.format != "" && f.format != "gguf" && f.format != "dat":
		return fault.Invalid("imatrix: --output-format %s: it is gguf or dat", f.format)
	case f.chunks < 0 || f.skip < 0 || f.every < 0 || f.copies < 0:
		return fault.Invalid("imatrix: --chunks, --from-chunk, --output-frequency and --save-frequency are not negative")
	case len(args) == 0 && f.out == "" && !f.stats:
		return fault.Invalid("imatrix: say what to do with the matrices: -o FILE writes them as one, --show-statistics describes them")
	}
	if f.out == "" && len(args) == 1 {
		f.out = pipeline.Stem(args[0]) + ".imatrix.gguf"
	}
	if f.out == "" {
		return nil
	}
	return atomicfile.Check(f.out, f.options())
}

// options are those of the output. It may replace a matrix that was read: that
// is whole in memory.
func (f *imatrixFlags) options() atomicfile.Options {
	o := atomicfile.Options{Force: f.force, Inputs: f.files}
	if f.force {
		o.Stale = atomicfile.Drop
	}
	return o
}

func (a *app) imatrix(ctx context.Context, args []string, f *imatrixFlags) error {
	if err := f.check(args); err != nil {
		return err
	}
	var matrices []*imatrix.Matrix
	for _, path := range f.inputs {
		m, err := imatrix.Read(ctx, path)
		if err != nil {
			return err
		}
		matrices = append(matrices, m)
	}
	result, err := f.merge(matrices)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		if result, err = a.collect(ctx, args[0], f, matrices); err != nil {
			return err
		}
	}
	if f.stats {
		a.printStatistics(result)
	}
	if f.out == "" {
		return nil
	}
	if err := f.save(result, f.out); err != nil {
		return err
	}
	a.Wrote(f.out)
	return nil
}

// merge adds matrices up.
func (f *imatrixFlags) merge(before []*imatrix.Matrix, more ...*imatrix.Matrix) (*imatrix.Matrix, error) {
	return imatrix.Merge(0, append(before[:len(before):len(before)], more...)...)
}

// collect opens a model and runs it over the texts. The result holds what was
// there before, too.
func (a *app) collect(ctx context.Context, path string, f *imatrixFlags, before []*imatrix.Matrix) (*imatrix.Matrix, error) {
	model, words, err := a.openModel(ctx, path)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	text, err := a.texts(f.files)
	if err != nil {
		return nil, err
	}
	tokens, err := words.Encode(ctx, text, tokenizer.Options{AddSpecial: true, ParseSpecial: f.special})
	if err != nil {
		return nil, err
	}
	return a.collectFrom(ctx, model, words, tokens, f, before)
}

// collectFrom runs a model that is open over the tokens of a text.
func (a *app) collectFrom(ctx context.Context, model *forward.Model, words *tokenizer.Tokenizer, tokens []int32, f *imatrixFlags, before []*imatrix.Matrix) (*imatrix.Matrix, error) {
	c := eval.Collection{
		Chunking: eval.Chunking{Context: f.context, Chunks: f.chunks, AddBOS: words.AddsBOS(), Text: strings.Join(f.files, ", ")},
		Skip:     f.skip, ProcessOutput: f.output, Perplexity: f.score, Dataset: f.files[0],
		Snapshot: f.snapshots(before),
	}
	c.BOS, _ = words.Special("bos")
	bar := a.Progress("collecting")
	matrix, score, err := eval.CollectImatrix(ctx, model, tokens, c, func(r progress.Report, _ eval.Perplexity) {
		bar.Show(r)
	})
	bar.Finish()
	if err != nil {
		return nil, err
	}
	if f.score {
		a.Note("perplexity %.4f ± %.4f", score.Value, score.Error)
	}
	return f.merge(before, matrix)
}

// snapshots returns what is done while a collection runs: outputs and copies
// every so many chunks and, after the first, a look whether what was there
// before is of the same model.
func (f *imatrixFlags) snapshots(before []*imatrix.Matrix) func(int, func() (*imatrix.Matrix, error)) error {
	if len(before) == 0 && f.every == 0 && f.copies == 0 {
		return nil
	}
	written, copied, first := 0, 0, true
	return func(chunks int, sofar func() (*imatrix.Matrix, error)) error {
		output := f.every > 0 && chunks-written >= f.every
		copies := f.copies > 0 && chunks-copied >= f.copies
		if !output && !copies && !first {
			return nil
		}
		first = false
		m, err := sofar()
		if err != nil {
			return err
		}
		if m, err = f.merge(before, m); err != nil {
			return err
		}
		if copies {
			copied = chunks
			again := *f
			again.force = true // copies of an earlier run give way
			if err := again.save(m, fmt.Sprintf("%s.at_%d", f.out, m.Chunks)); err != nil {
				return err
			}
		}
		if output {
			written = chunks
			if err := f.save(m, f.out); err != nil {
				return err
			}
			f.force = true // what is replaced from now on is its own
		}
		return nil
	}
}

// save writes a matrix in the format that is asked for.
func (f *imatrixFlags) save(m *imatrix.Matrix, path string) error {
	file, err := atomicfile.Create(path, f.options())
	if err != nil {
		return err
	}
	defer file.Abort()
	write := m.WriteGGUF
	if f.format == "dat" || f.format == "" && strings.EqualFold(filepath.Ext(f.out), ".dat") {
		write = m.WriteLegacy
	}
	if err := write(io.Writer(file)); err != nil {
		return err
	}
	return file.Commit()
}

func (a *app) printStatistics(m *imatrix.Matrix) {
	stats := m.Statistics()
	layers := imatrix.Layers(stats)
	if a.JSON {
		a.Object(map[string]any{"type": "statistics", "tensors": stats, "layers": layers})
		return
	}
	rows := [][]string{{"TENSOR", "ΣACT²", "MIN", "MAX", "μ", "σ", "%ACTIVE", "N", "ENTROPY", "E (NORM)", "ZD", "COSSIM"}}
	for _, s := range stats {
		rows = append(rows, []string{
			s.Tensor, fmt.Sprintf("%.2f", s.Sum), fmt.Sprintf("%.4f", s.Min), fmt.Sprintf("%.4f", s.Max),
			fmt.Sprintf("%.2f", s.Mean), fmt.Sprintf("%.2f", s.StdDev), fmt.Sprintf("%.2f%%", 100*s.Active), fmt.Sprint(s.Elements),
			fmt.Sprintf("%.4f", s.Entropy), fmt.Sprintf("%.2f%%", 100*s.NormalizedEntropy()), fmt.Sprintf("%.2f%%", 100*s.ZScore), fmt.Sprintf("%.4f", s.CosSim),
		})
	}
	a.Table(a.Out, rows)
	rows = [][]string{{"LAYER", "μΣACT²", "μZD", "μCOSSIM"}}
	for _, l := range layers {
		rows = append(rows, []string{fmt.Sprint(l.Block), fmt.Sprintf("%.2f", l.Sum), fmt.Sprintf("%.4f%%", 100*l.ZScore), fmt.Sprintf("%.4f", l.CosSim)})
	}
	a.Table(a.Out, rows)
}
