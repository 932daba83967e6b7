package refine

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/refine/linear"
)

// embedding is the tensor that gives tokens their vectors and, in some models,
// the logits too.
const embedding = "token_embd.weight"

const (
	// disturbance is by how much of its size the residual stream is disturbed
	// to see what errors of the embedding cost.
	disturbance = 0.02
	// disturbed is how many tokens of a chunk are.
	disturbed = 256
)

// refineEmbedding rounds an embedding that gives the logits too, by what the
// source multiplies it with. An error of it also enters the residual stream,
// where all directions are taken to cost the same. Where the embedding does
// nothing else than that, the usual rounding is as good.
func (w *walk) refineEmbedding(ctx context.Context) error {
	t := w.named[embedding]
	delete(w.named, embedding)
	if t == nil || !w.Source.Passable() || !w.File.Passable() || t.Columns != w.Source.Width() {
		return nil
	}
	u := &unit{workers: w.Workers, tensors: []*Tensor{t}, columns: t.Columns, square: linear.NewSquare(t.Columns)}
	for i := range w.groups {
		h, err := w.final(ctx, &w.groups[i])
		if err != nil || h == nil {
			return err
		}
		in := forward.Input{X: h, Cols: t.Columns}
		if err := u.add(ctx, in, in, nil, w.groups[i].held); err != nil {
			return err
		}
	}
	flat, err := w.disturb(ctx, t)
	if err != nil {
		return err
	}
	outcomes, err := u.refineFlat(ctx, flat)
	w.outcomes = append(w.outcomes, outcomes...)
	return err
}

// final returns what the source multiplies its embedding with for the logits of
// a group; nil: another matrix gives them.
func (w *walk) final(ctx context.Context, g *group) ([]float32, error) {
	var h []float32
	x := make([]float32, g.tokens*w.Source.Width())
	if err := through(ctx, w.Source, g.chunks, x, nil); err != nil {
		return nil, err
	}
	how := w.Source.Run()
	how.Inspect = func(in forward.Input) error {
		if slices.ContainsFunc(in.Weights, func(w forward.Weight) bool { return w.Name == embedding }) {
			h = slices.Clone(in.X)
		}
		return errSeen
	}
	err := w.Source.With(how).Leave(ctx, g.chunks, x, forget)
	if errors.Is(err, errSeen) {
		err = nil
	}
	return h, err
}

// through takes sequences into x and through all layers. change, where it is
// not nil, sees x in front of the first.
func through(ctx context.Context, m *forward.Model, sequences [][]int32, x []float32, change func(x []float32)) error {
	if err := m.Enter(ctx, sequences, x); err != nil {
		return err
	}
	if change != nil {
		change(x)
	}
	for layer := range m.Layers() {
		if err := m.Pass(ctx, layer, sequences, x); err != nil {
			return err
		}
	}
	return nil
}

// disturb measures what the square of an error of a weight costs on the way
// through the residual stream, in units of what it costs in a logit for each
// unit of the square of what is multiplied there.
func (w *walk) disturb(ctx context.Context, t *Tensor) (float32, error) {
	chunk := w.Chunks[0][:min(disturbed, len(w.Chunks[0]))]
	sequences, vocab := [][]int32{chunk}, w.Source.Vocabulary()
	x := make([]float32, len(chunk)*w.Source.Width())
	logits := func(change func([]float32)) ([]float32, error) {
		if err := through(ctx, w.Source, sequences, x, change); err != nil {
			return nil, err
		}
		all := make([]float32, 0, len(chunk)*vocab)
		err := w.Source.Leave(ctx, sequences, x, func(_, _ int, rows []float32) error {
			all = append(all, rows...)
			return nil
		})
		return all, err
	}
	var size float64 // of the stream
	base, err := logits(func(x []float32) {
		for _, v := range x {
			size += float64(float64(v) * float64(v))
		}
	})
	if err != nil {
		return 0, err
	}
	step := disturbance * math.Sqrt(size/float64(len(x)))
	random := rand.New(rand.NewPCG(1, 1))
	other, err := logits(func(x []float32) {
		for i := range x {
			x[i] += float32(step * random.NormFloat64())
		}
	})
	if err != nil {
		return 0, err
	}
	row, weight := make([]float32, t.Columns), 0.0 // the size of the rows that were put in
	for _, token := range chunk {
		if err := t.Weights(ctx, row, int(token)); err != nil {
			return 0, err
		}
		for _, v := range row {
			weight += float64(float64(v) * float64(v))
		}
	}
	kld, spread := divergences(base, other, vocab)
	if !(kld > 0) || !(spread > 0) || !(weight > 0) || !(step > 0) {
		return 0, nil
	}
	// kld = (step²·trace)/2 of the stream's curvature, of which each direction
	// has the same share; a weight is scaled by √(size/weight) on its way.
	curve := 2 * kld / (step * step) / float64(t.Columns) * size / weight
	// The last bits may depend on the machine.
	fraction, exponent := math.Frexp(curve / spread)
	return float32(math.Ldexp(math.Round(fraction*1024)/1024, exponent)), nil
}

// divergences returns the mean Kullback-Leibler divergence between rows of
// logits, and the mean of 1 - Σ p².
func divergences(base, other []float32, vocab int) (kld, spread float64) {
	rows := len(base) / vocab
	for r := range rows {
		p, q := base[r*vocab:(r+1)*vocab], other[r*vocab:(r+1)*vocab]
		zp, zq := logSum(p), logSum(q)
		squares := 0.0
		for i := range p {
			lp := float64(p[i]) - zp
			share := math.Exp(lp)
			kld += float64(share*(lp-float64(q[i])+zq)) / float64(rows)
			squares += float64(share * share)
		}
		spread += (1 - squares) / float64(rows)
	}
	return kld, spread
}

func logSum(x []float32) float64 {
	top, sum := float64(slices.Max(x)), 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}
