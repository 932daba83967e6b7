package refine

import (
	"context"
	"slices"
	"testing"

	"github.com/f190792d/mq/internal/fixtures/models"
)

// judge runs text that a refinement has not seen through source and file, and
// returns for each matrix the mean square of its products' errors, with the
// codes that it had before and with those that it has.
func judge(t *testing.T, job Job, before map[string]func(ctx context.Context, dst []byte, row int) error) (list []Outcome) {
	t.Helper()
	w := newWalk(job)
	for i := range w.groups {
		w.groups[i].held = true
	}
	ctx := t.Context()
	try := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range w.steps() {
		stages, err := w.stages(ctx, s)
		try(err)
		for _, stage := range stages {
			units, err := w.collect(ctx, s, stage, 0, stage.tensors[0].Matrices, false)
			try(err)
			for _, u := range units {
				for _, x := range u.tensors {
					if u.held.rows == 0 {
						continue // an expert that no token chose
					}
					first := u.expert * x.Rows
					weights := make([]float32, x.Rows*x.Columns)
					try(x.Weights(ctx, weights, first))
					h, err := u.holdBack(ctx, weights, 0, x.Rows)
					try(err)
					o := Outcome{Tensor: x.Name, Expert: u.expert, Rows: h.rows}
					for i, load := range []func(context.Context, []byte, int) error{before[x.Name], x.Load} {
						data := make([]byte, x.Rows*x.rowBytes())
						try(load(ctx, data, first))
						x.Type.Dequantize(weights, data)
						verdicts, err := h.compare(ctx, 0, weights, weights)
						try(err)
						for _, v := range verdicts {
							*[]*float64{&o.Before, &o.After}[i] += v.before
						}
					}
					list = append(list, o)
				}
			}
		}
		if s.passes {
			try(w.pass(ctx, s))
		}
	}
	return list
}

// onOther refines with some chunks and judges by others.
func (one *trial) onOther(t *testing.T, chunks, others [][]int32) []Outcome {
	t.Helper()
	job, _ := one.job(t, 2, chunks)
	usual, _ := one.job(t, 2, chunks)
	if _, err := Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	before := map[string]func(context.Context, []byte, int) error{}
	for _, x := range usual.Tensors {
		before[x.Name] = x.Load
	}
	job.Chunks = others
	return judge(t, job, before)
}

// TestNoMatrixIsWorseOnOtherText: of what a refinement has not seen, by as much
// of it as can tell, and little as it has seen.
func TestNoMatrixIsWorseOnOtherText(t *testing.T) {
	for i, f := range models.All(t) {
		if named := slices.Contains([]string{"gemma3n", "gpt-oss", "llama4-maverick", "deepseek-v4", "hunyuan-moe"}, f.Name); testing.Short() || !named && i%4 != 0 {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			one := prepare(t, f.Unpack(t), "Q4_0")
			all := drawn(120, 24, 250)
			for _, o := range one.onOther(t, all[:20], all[20:]) {
				if o.After > 1.02*o.Before && o.Rows >= 64 {
					t.Errorf("%s %d: %.3f of the error, by %d rows", o.Tensor, o.Expert, o.Ratio(), o.Rows)
				}
			}
		})
	}
}
