package eval

import (
	"context"
	"math"
	"strings"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/imatrix"
	"github.com/f190792d/mq/formats/progress"
)

// Observed is a model whose products can be watched.
type Observed interface {
	Model
	Run() forward.Run
	With(forward.Run) *forward.Model
}

// Collection says what to collect.
type Collection struct {
	Chunking
	Skip          int    // chunks to leave out at the start of the text
	ProcessOutput bool   // the output matrix too
	Perplexity    bool   // compute logits and score them on the way
	Dataset       string // name of the text, written into the result

	// Snapshot, where it is not nil, is called after each group of chunks
	// with their number and a function that returns the matrix so far. An
	// error ends the collection.
	Snapshot func(chunks int, sofar func() (*imatrix.Matrix, error)) error
}

// CollectImatrix runs a model over the chunks of a text and sums the squares
// of what each weight column is multiplied with: for every matrix of the
// layers, for every expert by itself. step, where it is not nil, is called
// after each group of chunks; its perplexity is 0 where none is computed.
func CollectImatrix(ctx context.Context, m Observed, tokens []int32, c Collection, step progress.Result[Perplexity]) (*imatrix.Matrix, Perplexity, error) {
	c.Chunking = c.withDefaults()
	if c.Skip > 0 {
		if (c.Skip+2)*c.Context > len(tokens) {
			return nil, Perplexity{}, fault.Op("eval").Invalid("without its first %d chunks the text is too short", c.Skip)
		}
		tokens = tokens[c.Skip*c.Context:]
	}
	chunks, err := c.count(len(tokens))
	if err != nil {
		return nil, Perplexity{}, err
	}
	sums := squares{}
	how := m.Run()
	how.Observe = func(weights []forward.Weight, x []float32, cols int) {
		var wanted []forward.Weight
		for _, w := range weights {
			if strings.HasPrefix(w.Name, "blk.") || c.ProcessOutput && w.Name == "output.weight" {
				wanted = append(wanted, w)
			}
		}
		sums.add(wanted, x, cols)
	}
	watched := m.With(how)

	matrix := func(chunks int) (*imatrix.Matrix, error) {
		result, err := sums.matrix(m.Name())
		if err != nil {
			return nil, err
		}
		result.Chunks, result.ChunkSize = chunks, c.Context
		if c.Dataset != "" {
			result.Datasets = []string{c.Dataset}
		}
		return result, nil
	}
	if m.Vocabulary() == 0 { // an encoder
		c.Perplexity, c.ProcessOutput = false, false
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	group := c.group(m.Vocabulary(), 0)
	measure := c.run
	if c.Perplexity && !c.ProcessOutput {
		measure = c.score
	}
	ppl, err := measure(ctx, watched, tokens, chunks, func(at progress.Report, soFar Perplexity) {
		if step != nil {
			step(at, soFar)
		}
		// The sums are of whole groups.
		chunk := int(at.Done)
		if c.Snapshot != nil && ctx.Err() == nil && chunk%group == 0 {
			if err := c.Snapshot(chunk, func() (*imatrix.Matrix, error) { return matrix(chunk) }); err != nil {
				cancel(err)
			}
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return nil, Perplexity{}, err
	}
	result, err := matrix(chunks)
	return result, ppl, err
}

// score computes the perplexity of the second half of each chunk.
func (c Collection) score(ctx context.Context, m *forward.Model, tokens []int32, _ int, step progress.Result[Perplexity]) (Perplexity, error) {
	return MeasurePerplexity(ctx, m, tokens, c.Chunking, step)
}

// run feeds the chunks. The output matrix sees every position where it is
// collected, and none where it is not.
func (c Collection) run(ctx context.Context, m *forward.Model, tokens []int32, chunks int, step progress.Result[Perplexity]) (Perplexity, error) {
	from := c.Context
	if c.ProcessOutput {
		from = 0
	}
	var sum moments
	values := make([]float64, c.Context)
	group := c.group(m.Vocabulary(), 0)
	for first := 0; first < chunks; first += group {
		last := min(first+group, chunks)
		err := m.Batch(ctx, c.inputs(tokens, first, last), from, func(s, position int, logits []float32) error {
			if !c.Perplexity {
				return nil
			}
			next := tokens[(first+s)*c.Context+1:]
			score(m.Vocabulary(), logits, position, c.Context-1, func(position int, row []float32) {
				values[position] = nll(row, next[position])
			})
			if position+len(logits)/m.Vocabulary() == c.Context {
				for _, v := range values[c.first() : c.Context-1] {
					sum.add(v)
				}
			}
			return nil
		})
		if err != nil {
			return Perplexity{}, err
		}
		step(reached("chunks", last, chunks), perplexityOf(sum, last))
	}
	return perplexityOf(sum, chunks), nil
}

// squares holds sums of squares by tensor name.
type squares map[string]*columnSums

// columnSums belongs to one tensor.
type columnSums struct {
	sums   []float64 // [matrices][columns]
	counts []float64 // [matrices]
}

// add sums the squares of each column of x into the entries of all weights,
// rows in order.
func (s squares) add(weights []forward.Weight, x []float32, cols int) {
	if len(weights) == 0 || cols == 0 {
		return
	}
	rows := len(x) / cols
	var targets [][]float64
	for _, w := range weights {
		matrices := max(w.Experts, 1)
		e := s[w.Name]
		if e == nil {
			e = &columnSums{make([]float64, matrices*cols), make([]float64, matrices)}
			s[w.Name] = e
		}
		e.counts[w.Expert] += float64(rows)
		targets = append(targets, e.sums[w.Expert*cols:(w.Expert+1)*cols])
	}
	const some = 256
	each((cols+some-1)/some, func(i int) {
		first, last := i*some, min((i+1)*some, cols)
		for _, t := range targets {
			sums := t[first:last]
			for r := range rows {
				kernel.AddSquares(sums, x[r*cols+first:r*cols+last])
			}
		}
	})
}

// matrix rounds the sums to what a file holds.
func (s squares) matrix(model string) (*imatrix.Matrix, error) {
	m := &imatrix.Matrix{Entries: map[string]*imatrix.Entry{}}
	for name, e := range s {
		entry := &imatrix.Entry{Sums: make([]float32, len(e.sums)), Counts: make([]float32, len(e.counts))}
		for i, v := range e.sums {
			if math.IsNaN(v) || v > math.MaxFloat32 {
				return nil, fault.Op("eval").File(model).Tensor(name).Check("column %d is multiplied with values that are not finite", i%(len(e.sums)/len(e.counts)))
			}
			entry.Sums[i] = float32(v)
		}
		for i, n := range e.counts {
			entry.Counts[i] = float32(n)
		}
		m.Entries[name] = entry
	}
	return m, nil
}
