package cli

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/quantize"
)

// prepared is what has to be found out from the model before its tensors' types
// are known: an importance matrix, or the types for a size.
type prepared struct {
	standIn    bool // nothing yet: plans are made for their names and inputs
	importance *quantize.Importance
	matrix     string // file that the matrix was written to
	recipe     *quantize.Recipe
	overrides  []quantize.Override
}

func (r *prepared) matrixFile() string {
	if r == nil {
		return ""
	}
	return r.matrix
}

// standInRecipe has a name and the type Q4_0, which needs no matrix.
func standInRecipe(name string) quantize.Recipe {
	r, err := quantize.ParseRecipe("Q4_0")
	if err != nil {
		panic(err) // it is in the table
	}
	r.Name = name
	return r
}

// standIn are options that any model can be planned with.
func (f *recipeFlags) standIn() quantize.Options {
	return quantize.Options{Pure: true, AllowRequantize: true, KeepSplit: f.options.KeepSplit}
}

// prepare does what the flags ask to be done before the plan: it collects an
// importance matrix and chooses the types for a size. Whatever can be wrong
// with names, inputs and sizes is found before the model runs.
func (a *app) prepare(ctx context.Context, path string, f *recipeFlags, output *outputFlags, plan func() (*production, error)) error {
	if err := f.check(output); err != nil {
		return err
	}
	if f.collect.text == "" && !f.budget.asked() {
		return nil
	}
	options, err := f.build(ctx)
	if err != nil {
		return err
	}
	f.ready = &prepared{standIn: true}
	p, err := plan()
	if err != nil {
		return err
	}
	if !output.dryRun && !output.resume { // what can be resumed shows when the plan is known
		p.Force = output.force
		if err := p.Preflight(); err != nil {
			return err
		}
	}
	s := &study{app: a, path: path, flags: f, production: p, options: options, ready: &prepared{}}
	replace := output.force || output.resume
	if err := s.checkFiles(replace); err != nil {
		return err
	}
	if err := s.checkBudget(); err != nil {
		return err
	}
	if err := s.collect(ctx); err != nil {
		return err
	}
	if f.budget.asked() {
		if err := s.choose(ctx, plan); err != nil {
			return err
		}
	}
	f.ready = s.ready
	return s.saveTypes(replace)
}

// study is a preparation on its way.
type study struct {
	*app
	path       string // of the model
	flags      *recipeFlags
	production *production // the stand-in's
	options    quantize.Options
	tokens     []int32 // of the calibration text; nil without one
	types      string  // what is to be saved
	ready      *prepared
}

func (s *study) infos() []gguf.TensorInfo {
	list := make([]gguf.TensorInfo, len(s.production.Sources))
	for i, t := range s.production.Sources {
		list[i] = t.TensorInfo
	}
	return list
}

// checkFiles tests the files that are written beside the model.
func (s *study) checkFiles(force bool) error {
	for _, path := range []string{s.flags.collect.out, s.flags.budget.saveTypes} {
		if path == "" {
			continue
		}
		if err := atomicfile.Check(path, atomicfile.Options{Force: force, Inputs: s.production.Inputs}); err != nil {
			return err
		}
	}
	return nil
}

// collect runs the model over the calibration text.
func (s *study) collect(ctx context.Context) error {
	c := s.flags.collect
	if c.text == "" {
		return nil
	}
	model, words, err := s.openWith(ctx, s.path, s.production.origin.Bytes > s.budget())
	if err != nil {
		return err
	}
	defer model.Close()
	if s.tokens, err = s.textTokens(words, []string{c.text}); err != nil {
		return err
	}
	if earlier := s.collected(ctx); earlier != nil {
		return s.use(earlier, c.out)
	}
	f := imatrixFlags{files: []string{c.text}, out: c.out, context: 512, chunks: c.chunks, force: true}
	matrix, err := s.collectFrom(ctx, model, words, s.tokens, &f, nil)
	if err != nil {
		return err
	}
	if c.out == "" {
		return s.use(matrix, c.text)
	}
	if err := f.save(matrix, c.out); err != nil {
		return err
	}
	return s.use(matrix, c.out)
}

// collected is the matrix that the run has kept which is to be resumed, nil
// where there is none.
func (s *study) collected(ctx context.Context) *imatrix.Matrix {
	c := s.flags.collect
	if !s.production.flags.resume || c.out == "" {
		return nil
	}
	m, err := imatrix.Read(ctx, c.out)
	if err != nil || !slices.Contains(m.Datasets, c.text) || c.chunks > 0 && m.Chunks != c.chunks {
		return nil
	}
	s.Note("the matrix of an earlier run is used: %s", c.out)
	return m
}

// use takes a matrix for the weights; name is what the output records.
func (s *study) use(m *imatrix.Matrix, name string) (err error) {
	if name == s.flags.collect.out {
		s.ready.matrix = name
	}
	s.options.Importance, err = quantize.NewImportance(name, m, s.flags.include, s.flags.exclude)
	s.ready.importance = s.options.Importance
	return err
}

// uniform is a matrix that has something for every tensor of the layers, as
// the one that is about to be collected will have.
func (s *study) uniform() (*quantize.Importance, error) {
	m := &imatrix.Matrix{Entries: map[string]*imatrix.Entry{}}
	free, err := quantize.Free(s.infos(), s.options)
	if err != nil {
		return nil, err
	}
	for _, c := range free {
		t := s.production.Sources[c.Source].TensorInfo
		if !strings.HasPrefix(t.Name, "blk.") {
			continue
		}
		matrices := int64(1)
		if shape := gguf.TrimShape(t.Shape); len(shape) > 2 {
			matrices = shape[2]
		}
		m.Entries[t.Name] = &imatrix.Entry{Sums: make([]float32, t.Columns()*matrices), Counts: []float32{1}}
	}
	return quantize.NewImportance("", m, s.flags.include, s.flags.exclude)
}

func (s *study) saveTypes(force bool) error {
	path := s.flags.budget.saveTypes
	if path == "" {
		return nil
	}
	file, err := atomicfile.Create(path, atomicfile.Options{Force: force})
	if err != nil {
		return err
	}
	defer file.Abort()
	if _, err := file.Write([]byte(s.types)); err != nil {
		return fault.IO("%s: cannot write the types: %w", path, err)
	}
	if err := file.Commit(); err != nil {
		return err
	}
	s.Note("the types are in %s: -t %s --tensor-type-file %s gives them again", path, strings.ToLower(s.ready.recipe.Default.String()), path)
	return nil
}

// promptTokens are what sensitivities are measured with: the beginning of the
// calibration text, or the text that conversions are checked with.
func (s *study) promptTokens(words *tokenizer.Tokenizer) []int32 {
	const enough = 256
	if s.tokens != nil {
		return s.tokens[:min(len(s.tokens), enough)]
	}
	return eval.Prompt(words)
}

// readCache reads a file, or nothing where there is none.
func readCache(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return data
}

// step shows how far a part of the preparation is.
func (s *study) step(label string) (func(done, total int), func()) {
	progress := s.Progress(label, 0, ui.Items)
	return func(done, total int) {
		progress.Total(int64(total))
		progress.Set(int64(done), "")
	}, progress.Finish
}
