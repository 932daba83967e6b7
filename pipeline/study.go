package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/quantize/budget"
)

// calibrationContext is how many tokens a chunk of a calibration text has, as
// in llama-imatrix.
const calibrationContext = 512

// study finds out from the model what the plan needs: an importance matrix, or
// the types for a size. Outputs and sizes are checked before the model runs.
func (j *Job) study(ctx context.Context) error {
	if r := j.o.Refine; r != nil {
		if _, err := j.planMemory(nil); err != nil {
			return err
		}
		if j.o.PlanOnly && j.o.Collect == nil && j.o.Quantize.Importance == nil && j.o.Size == nil {
			return j.supposeMatrix()
		}
		if r.Auto {
			if err := j.write(ctx); err != nil {
				return err
			}
		}
		if j.o.Collect == nil && j.o.Quantize.Importance == nil {
			j.o.Collect, j.ownMatrix = r.matrix(), true
		}
	}
	if j.o.Collect == nil && j.o.Size == nil {
		return nil
	}
	if err := j.checkNames(); err != nil {
		return err
	}
	if j.o.Size != nil {
		if err := j.checkSize(); err != nil {
			return err
		}
	}
	var tokens []int32 // of the calibration text
	if j.o.Collect != nil {
		var err error
		if tokens, err = j.collect(ctx); err != nil {
			return err
		}
	}
	if j.o.Size == nil {
		return nil
	}
	if err := j.choose(ctx, tokens); err != nil {
		return err
	}
	return j.saveTypes()
}

// supposeMatrix plans a refinement as with the matrix that it would collect.
func (j *Job) supposeMatrix() error {
	j.o.Collect = j.o.Refine.matrix()
	m, err := j.uniform(j.options())
	if err == nil {
		m.Unrecorded = true
		j.o.Quantize.Importance, j.o.Collect = m, nil
	}
	return err
}

// checkNames tests the outputs, as far as they are known, and the files that
// are written beside them.
func (j *Job) checkNames() error {
	options := atomicfile.Options{Force: j.o.Force || j.o.Resume, Inputs: j.inputs}
	if !options.Force {
		options.Stale = atomicfile.Refuse
	}
	var paths []string
	if j.o.Collect != nil {
		paths = append(paths, j.o.Collect.Out)
	}
	if j.o.Size != nil {
		paths = append(paths, j.o.Size.SaveTypes)
	}
	if j.o.Size != nil && j.o.Size.Sensitivity != "" { // replaced where it does not fit
		if err := atomicfile.Check(j.o.Size.Sensitivity, atomicfile.Options{Force: true, Inputs: j.inputs}); err != nil {
			return err
		}
	}
	for _, name := range j.names() {
		path, err := j.pathOf(name)
		if err != nil {
			return err
		}
		if err := j.o.makeFolder(path); err != nil {
			return err
		}
		if !j.o.PlanOnly && !j.o.Resume && j.o.MaxFileSize == 0 && j.o.Parts == 0 && !j.o.Quantize.KeepSplit {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		if err := atomicfile.Check(path, options); err != nil {
			return err
		}
	}
	return nil
}

// collect runs the model over the calibration text, whose tokens it returns.
func (j *Job) collect(ctx context.Context) ([]int32, error) {
	c := j.o.Collect
	model, words, err := j.openModel(ctx)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	tokens, err := words.Encode(ctx, c.Text, tokenizer.Options{AddSpecial: true})
	if err != nil {
		return nil, err
	}
	matrix := j.collected(ctx)
	if matrix == nil {
		collection := eval.Collection{
			Chunking: eval.Chunking{Context: calibrationContext, Chunks: c.Chunks, AddBOS: words.AddsBOS(), Text: c.Name},
			Dataset:  c.Name,
		}
		collection.BOS, _ = words.Special("bos")
		matrix, _, err = eval.CollectImatrix(ctx, model, tokens, collection, func(r progress.Report, _ eval.Perplexity) {
			j.o.Progress.Named("collecting")(r)
		})
		if err != nil {
			return nil, err
		}
		// What the file holds is what is used, so that a later run from the
		// file gives the same bytes.
		if matrix, err = imatrix.Merge(0, matrix); err != nil {
			return nil, err
		}
		if c.Out != "" {
			if err := j.saveMatrix(matrix, c.Out); err != nil {
				return nil, err
			}
		}
	}
	return tokens, j.use(matrix)
}

// use takes a matrix for the weights.
func (j *Job) use(m *imatrix.Matrix) (err error) {
	name := j.o.Collect.Name
	if out := j.o.Collect.Out; out != "" {
		name = out
		j.inputs = append(j.inputs, out)
	}
	j.o.Quantize.Importance, err = quantize.NewImportance(name, m, j.o.Collect.Include, j.o.Collect.Exclude)
	if im := j.o.Quantize.Importance; im != nil {
		im.Unrecorded = j.ownMatrix
	}
	return err
}

// collected is the matrix that the run to be resumed has kept, nil where there
// is none.
func (j *Job) collected(ctx context.Context) *imatrix.Matrix {
	c := j.o.Collect
	if !j.o.Resume || c.Out == "" {
		return nil
	}
	m, err := imatrix.Read(ctx, c.Out)
	if err != nil || !slices.Contains(m.Datasets, c.Name) || c.Chunks > 0 && m.Chunks != c.Chunks {
		return nil
	}
	j.o.note(false, "the matrix of an earlier run is used: "+c.Out)
	return m
}

func (j *Job) saveMatrix(m *imatrix.Matrix, path string) error {
	file, err := atomicfile.Create(path, atomicfile.Options{Force: true, Inputs: j.in.files})
	if err != nil {
		return err
	}
	defer file.Abort()
	write := m.WriteGGUF
	if strings.HasSuffix(strings.ToLower(path), ".dat") {
		write = m.WriteLegacy
	}
	if err := write(file); err != nil {
		return err
	}
	return file.Commit()
}

// openModel opens the source for computing, with its tokenizer.
func (j *Job) openModel(ctx context.Context) (*forward.Model, *tokenizer.Tokenizer, error) {
	model, err := j.in.model(ctx, forward.Options{
		Run: forward.Run{Workers: j.o.Workers}, ReleaseBehind: j.Source.Bytes > j.o.Memory,
	})
	if err != nil {
		return nil, nil, err
	}
	words, err := model.Tokenizer()
	if err == nil && words.Size() > model.Tokens() {
		err = fault.File(j.Source.Name).Corrupt("its tokenizer has %d tokens, but the model's embedding only %d rows", words.Size(), model.Tokens())
	}
	if err != nil {
		model.Close()
		return nil, nil, err
	}
	return model, words, nil
}

// checkSize refuses a size that no types can meet, before the model runs.
func (j *Job) checkSize() error {
	options := j.options()
	if j.o.Collect != nil {
		var err error
		if options.Importance, err = j.uniform(options); err != nil {
			return err
		}
	}
	return budget.Check(j.in.kvs, j.in.infos, options, j.o.Size.Candidates, j.o.Size.Target)
}

// uniform is a matrix with an entry for every tensor of the layers, as the one
// that is about to be collected will have.
func (j *Job) uniform(options quantize.Options) (*quantize.Importance, error) {
	m := &imatrix.Matrix{Entries: map[string]*imatrix.Entry{}}
	free, err := quantize.Free(j.in.infos, options)
	if err != nil {
		return nil, err
	}
	for _, c := range free {
		t := j.in.infos[c.Source]
		if !strings.HasPrefix(t.Name, "blk.") {
			continue
		}
		matrices := int64(1)
		if shape := gguf.TrimShape(t.Shape); len(shape) > 2 {
			matrices = shape[2]
		}
		m.Entries[t.Name] = &imatrix.Entry{Sums: make([]float32, t.Columns()*matrices), Counts: []float32{1}}
	}
	return quantize.NewImportance("", m, j.o.Collect.Include, j.o.Collect.Exclude)
}
