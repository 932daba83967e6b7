package refine

import (
	"context"
	"errors"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/refine/linear"
)

// Tensor is a tensor of the file: one matrix, or one for each expert.
type Tensor struct {
	Name                    string
	Type                    quantize.Type // with a grid
	Rows, Columns, Matrices int

	// Weights reads what the source has, from a row on, those of all matrices
	// counted.
	Weights func(ctx context.Context, dst []float32, row int) error
	// Load and Store read and write rows of the file.
	Load  func(ctx context.Context, dst []byte, row int) error
	Store func(data []byte, row int) error
}

// rowBytes is the size of a row of the file.
func (t *Tensor) rowBytes() int { return t.Columns / t.Type.Block * t.Type.Bytes }

// Job is what is to be refined.
type Job struct {
	Source  *forward.Model
	File    *forward.Model // reads tensors as Store has left them
	Chunks  [][]int32      // of the text
	Tensors []Tensor

	Workers int

	// Scratch is for the residual streams; nil: they stay in memory. With a Key,
	// which names what is refined and with what, a run goes on where one that was
	// stopped has left off: see [Left]. Settle brings to disk what was stored.
	Scratch Scratch
	Key     string
	Settle  func() error

	Progress progress.Func
}

// Outcome is what has become of a matrix. The errors are the mean squares of
// what its products differ by from the source's, on text that was held back,
// and Signal is that of the source's.
type Outcome struct {
	Tensor string  `json:"tensor"`
	Expert int     `json:"expert,omitempty"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Signal float64 `json:"signal"`
	// Strength is the mean share of the correction that was made.
	Strength float64 `json:"strength"`
	// Kept is how many rows were left as they were.
	Kept int `json:"rows_kept,omitempty"`
	Rows int `json:"rows"`
}

// Ratio is which share of the error is left.
func (o Outcome) Ratio() float64 {
	if o.Before == 0 {
		return 1
	}
	return o.After / o.Before
}

const (
	// heldBack is of how many chunks one is held back.
	heldBack = 10
	// together is how many tokens run at once.
	together = 1024
)

// Run refines the tensors, which changes the file.
func Run(ctx context.Context, job Job) ([]Outcome, error) {
	if len(job.Chunks) < 2 {
		return nil, fault.Op("refine").Invalid("the text has %d chunks; one is held back, so it needs two at least", len(job.Chunks))
	}
	return newWalk(job).run(ctx)
}

func newWalk(job Job) *walk {
	w := &walk{Job: job, named: map[string]*Tensor{}, passable: job.Source.Passable() && job.File.Passable()}
	if w.Scratch == nil {
		w.Scratch = memory{}
	}
	for i := range job.Tensors {
		t := &job.Tensors[i]
		w.named[t.Name] = t
	}
	w.divide()
	return w
}

// divide puts chunks into groups that run at once, those that are held back by
// themselves.
func (w *walk) divide() {
	var used, held [][]int32
	for i, c := range w.Chunks {
		if i%heldBack == min(heldBack, len(w.Chunks))-1 {
			held = append(held, c)
		} else {
			used = append(used, c)
		}
	}
	first := 0
	for i, list := range [][][]int32{used, held} {
		tokens := together
		for _, c := range list {
			if tokens+len(c) > together {
				w.groups = append(w.groups, group{held: i == 1, first: first})
				tokens = 0
			}
			g := &w.groups[len(w.groups)-1]
			g.chunks = append(g.chunks, c)
			g.tokens += len(c)
			tokens += len(c)
			first += len(c)
		}
	}
}

// group is what runs at once.
type group struct {
	chunks [][]int32
	first  int // tokens in the groups before it
	tokens int
	held   bool
}

// walk goes through the layers.
type walk struct {
	Job
	named    map[string]*Tensor
	groups   []group
	outcomes []Outcome

	passable bool // layer by layer
	passed   int  // steps
	ahead    bool // the source's streams are those after the step already,
	aheadToo bool // and the file's
	buffer   []byte
}

func (w *walk) run(ctx context.Context) ([]Outcome, error) {
	done := 0
	if s := left(w.Scratch, w.Key); s != nil {
		done, w.passed, w.outcomes = s.Step, s.Step, s.Outcomes
		delete(w.named, embedding)
	} else if err := w.refineEmbedding(ctx); err != nil {
		return nil, err
	}
	steps := w.steps()
	for i, s := range steps {
		if i < done {
			continue
		}
		if err := w.refineStep(ctx, s); err != nil {
			return nil, err
		}
		if s.passes {
			if err := w.pass(ctx, s); err != nil {
				return nil, err
			}
		}
		if err := w.save(i + 1); err != nil {
			return nil, err
		}
		w.Progress.Report(progress.Report{Done: int64(i + 1), Total: int64(len(steps))})
	}
	return w.outcomes, nil
}

// pass takes all groups through a step, in both models.
func (w *walk) pass(ctx context.Context, s step) error {
	for i := range w.groups {
		g := &w.groups[i]
		for _, file := range []bool{false, true} {
			if !file && w.ahead || file && w.aheadToo {
				continue
			}
			x, err := w.stream(g, file)
			if err != nil {
				return err
			}
			if err := s.run(ctx, w.model(file), g, x); err != nil {
				return err
			}
			if err := w.keep(g, file, x); err != nil {
				return err
			}
		}
	}
	w.passed++
	w.ahead, w.aheadToo = false, false
	return nil
}

// model is one of the two that run side by side.
func (w *walk) model(file bool) *forward.Model {
	if file {
		return w.File
	}
	return w.Source
}

// refineStep refines the matrices of a step in the order of their use.
func (w *walk) refineStep(ctx context.Context, s step) error {
	stages, err := w.stages(ctx, s)
	if err != nil {
		return err
	}
	for i, stage := range stages {
		w.Progress.Report(progress.Report{Note: stage.tensors[0].Name})
		if err := w.refineStage(ctx, s, stage, s.passes && i == len(stages)-1); err != nil {
			return err
		}
	}
	return nil
}

// refineStage collects what the matrices of a stage multiply, and refines them:
// of experts as many at once as there is memory for. With the last stage the
// source passes the step.
func (w *walk) refineStage(ctx context.Context, s step, stage *stage, last bool) error {
	t := stage.tensors[0]
	count, some := t.Matrices, atOnceOf(t.Rows, t.Columns, t.Matrices)
	if stage.experts {
		stage.pool = new(pool)
	}
	for first := 0; first < count; first += some {
		passes := last && first+some >= count
		units, err := w.collect(ctx, s, stage, first, min(some, count-first), passes)
		if err != nil {
			return err
		}
		w.ahead = w.ahead || passes
		for i, u := range units {
			outcomes, err := u.refine(ctx)
			if err != nil {
				return err
			}
			w.outcomes = append(w.outcomes, outcomes...)
			units[i] = nil
		}
		if passes && stage.ends {
			if err := w.end(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// end takes the file through the rest of a step: the product that ends it.
func (w *walk) end(ctx context.Context, t *Tensor) error {
	width := w.Source.Width()
	for i := range w.groups {
		g := &w.groups[i]
		x, y := make([]float32, g.tokens*t.Columns), make([]float32, g.tokens*width)
		if err := errors.Join(w.read(x, w.endAt(g, t.Columns)), w.read(y, w.endAt(g, 0))); err != nil {
			return err
		}
		if err := t.product(ctx, w.Workers, y, x, g.tokens); err != nil {
			return err
		}
		if err := w.keep(g, true, y); err != nil {
			return err
		}
	}
	w.aheadToo = true
	return nil
}

// product adds to y the product of the file's rows with x.
func (t *Tensor) product(ctx context.Context, workers int, y, x []float32, tokens int) error {
	step := max(linear.RowBlock, atOnce/t.Columns/linear.RowBlock*linear.RowBlock)
	for first := 0; first < t.Rows; first += step {
		rows := min(step, t.Rows-first)
		data, values := make([]byte, rows*t.rowBytes()), make([]float32, rows*t.Columns)
		if err := t.Load(ctx, data, first); err != nil {
			return err
		}
		t.Type.Dequantize(values, data)
		some := make([]float32, tokens*rows)
		if err := linear.MultiplyTransposed(ctx, workers, some, x, values, tokens, t.Columns, rows); err != nil {
			return err
		}
		for i := range tokens {
			to := y[i*t.Rows+first:][:rows]
			for j, v := range some[i*rows : (i+1)*rows] {
				to[j] += v
			}
		}
	}
	return nil
}

var errSeen = errors.New("refine: all is seen")
