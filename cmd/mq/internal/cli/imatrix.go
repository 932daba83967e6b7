package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/tokenizer"
)

// imatrixFlags are the flags of imatrix.
type imatrixFlags struct {
	files, inputs []string
	out, format   string
	context       int
	chunks, skip  int
	output, stats bool
	score, force  bool
}

// imatrixCommand collects importance matrices, merges and describes them.
func (a *app) imatrixCommand() *cobra.Command {
	var f imatrixFlags
	cmd := &cobra.Command{
		Use:   "imatrix MODEL -f TEXT -o OUT.gguf",
		Short: "Collect an importance matrix from a model and a text",
		Long: `Runs a GGUF file or a checkpoint folder over a text and collects the squared
activations of every input column. With --in-file and no MODEL it merges, converts
or describes (--show-statistics) matrices that exist; with both it adds to them.`,
		Example: `  mq imatrix model-BF16.gguf -f calibration.txt -o model.imatrix.gguf
  mq imatrix --in-file a.gguf --in-file b.dat -o both.gguf
  mq imatrix --in-file model.imatrix.gguf --show-statistics`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.imatrix(cmd, args, &f) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "file", "f", nil, "text file, - for standard input (repeatable)")
	flags.StringArrayVar(&f.inputs, "in-file", nil, "importance matrix to merge (repeatable)")
	flags.StringVarP(&f.out, "output", "o", "", "file to write (default NAME.imatrix.gguf)")
	flags.StringVar(&f.format, "output-format", "", "gguf or dat (default by the name of the output)")
	flags.IntVarP(&f.context, "ctx", "c", 512, "tokens of a chunk")
	flags.IntVar(&f.chunks, "chunks", 0, "how many chunks to run (default all)")
	flags.IntVar(&f.skip, "from-chunk", 0, "how many chunks to leave out at the start")
	flags.BoolVar(&f.output, "process-output", false, "collect for output.weight too")
	flags.BoolVar(&f.score, "ppl", false, "measure the perplexity on the way")
	flags.BoolVar(&f.stats, "show-statistics", false, "print the statistics of the result")
	flags.BoolVar(&f.force, "force", false, "replace an existing file")
	return cmd
}

func (a *app) imatrix(cmd *cobra.Command, args []string, f *imatrixFlags) error {
	switch {
	case len(args) == 0 && len(f.inputs) == 0:
		return fault.Usage("imatrix: give a MODEL and a text, or matrices with --in-file")
	case len(args) == 1 && len(f.files) == 0:
		return fault.Usage("imatrix: give a text with -f FILE")
	case len(args) == 0 && len(f.files) > 0:
		return fault.Usage("imatrix: a text needs a MODEL to run it through")
	case f.format != "" && f.format != "gguf" && f.format != "dat":
		return fault.Usage("imatrix: --output-format %s: it is gguf or dat", f.format)
	}
	if f.out == "" && len(args) == 1 {
		f.out = stem(args[0]) + ".imatrix.gguf"
	}
	if f.out != "" {
		if err := atomicfile.Check(f.out, atomicfile.Options{Force: f.force}); err != nil {
			return err
		}
	}
	var matrices []*imatrix.Matrix
	for _, path := range f.inputs {
		m, err := imatrix.Read(path)
		if err != nil {
			return err
		}
		matrices = append(matrices, m)
	}
	if len(args) == 1 {
		m, err := a.collect(cmd, args[0], f)
		if err != nil {
			return err
		}
		matrices = append(matrices, m)
	}
	result, err := imatrix.Merge(0, matrices...)
	if err != nil {
		return err
	}
	if f.stats {
		a.printStatistics(result)
	}
	if f.out == "" {
		return nil
	}
	return a.writeImatrix(result, f)
}

func (a *app) collect(cmd *cobra.Command, path string, f *imatrixFlags) (*imatrix.Matrix, error) {
	model, words, err := a.openModel(path)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	tokens, err := a.textTokens(words, f.files)
	if err != nil {
		return nil, err
	}
	return a.collectFrom(cmd.Context(), model, words, tokens, f)
}

// collectFrom runs a model that is open over the tokens of a text.
func (a *app) collectFrom(ctx context.Context, model *forward.Model, words *tokenizer.Tokenizer, tokens []int32, f *imatrixFlags) (*imatrix.Matrix, error) {
	c := eval.Collection{
		Chunking: eval.Chunking{Context: f.context, Chunks: f.chunks, AddBOS: words.AddsBOS()},
		Skip:     f.skip, ProcessOutput: f.output, Perplexity: f.score, Dataset: f.files[0],
	}
	c.BOS, _ = words.Special("bos")
	progress := a.Progress("collecting", 0, ui.Items)
	matrix, score, err := eval.CollectImatrix(ctx, model, tokens, c, func(p eval.Progress[eval.Perplexity]) {
		progress.Total(int64(p.Chunks))
		progress.Set(int64(p.Chunk), "")
	})
	progress.Finish()
	if err == nil && f.score {
		a.Note("perplexity %.4f ± %.4f", score.Value, score.Error)
	}
	return matrix, err
}

func (a *app) writeImatrix(m *imatrix.Matrix, f *imatrixFlags) error {
	if err := saveImatrix(m, f); err != nil {
		return err
	}
	a.Wrote(f.out)
	return nil
}

// saveImatrix writes a matrix in the format that is asked for.
func saveImatrix(m *imatrix.Matrix, f *imatrixFlags) error {
	file, err := atomicfile.Create(f.out, atomicfile.Options{Force: f.force, Inputs: f.inputs})
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
	if a.JSON {
		a.Object(map[string]any{"type": "statistics", "tensors": stats})
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
}
