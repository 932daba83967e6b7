package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/f190792d/mq/cmd/mq/internal/produce"
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// maxVerifiedKLD is the mean divergence above which a conversion has failed,
// for files whose coarsest matrix has so many bits per weight and more. It is
// wide: models with few or random weights suffer much from few bits, and what
// is wrong with single parts shows in these.
var maxVerifiedKLD = []struct{ bits, kld float64 }{{16, 0.02}, {8, 0.1}, {5.5, 0.5}, {4, 1}, {3, 2}, {0, 6}}

// verifier returns the check that compares a file with its source.
func (a *app) verifier(p *production, original *forward.Model, prompt []int32) func(context.Context, produce.Target, []string) error {
	source := eval.Model(original)
	if len(p.Targets) > 1 {
		source = &remembered{Model: source}
	}
	return func(ctx context.Context, t produce.Target, unfinished []string) error {
		a.Note("checking %s against the source", t.Path)
		file, err := gguf.OpenParts(unfinished)
		if err != nil {
			return err
		}
		defer file.Close()
		written, err := forward.FromGGUF(ctx, file, forward.Options{
			Run: forward.Run{Workers: a.jobs}, ReleaseBehind: t.Plan.Summary.FileBytes > a.budget(),
		})
		if err != nil {
			return err
		}
		parts, err := written.CompareParts(ctx, original)
		if err != nil {
			return err
		}
		odd := departing(parts)
		if len(odd) > 0 {
			return fault.Check("%s: %s: it is not a true conversion and was not kept (--no-verify keeps it)", t.Path, several(odd))
		}
		source, err := eval.LikeFile(source, file.KVs())
		if err != nil {
			return err
		}
		agreement, err := eval.Compare(ctx, source, written, prompt)
		if err != nil {
			return err
		}
		figures := map[string]any{
			"path": t.Path, "top1": agreement.Top1, "tokens": agreement.Tokens,
			"kld": map[string]any{"mean": agreement.MeanKLD, "max": agreement.MaxKLD},
		}
		p.agreement[t.Path] = figures
		if a.JSON {
			a.Event("verify", figures)
		} else {
			a.Note("%s agrees with the source: top-1 %.1f %% of %d tokens, KL divergence mean %.5f, max %.5f",
				filepath.Base(t.Path), 100*agreement.Top1, agreement.Tokens, agreement.MeanKLD, agreement.MaxKLD)
		}
		return judge(t, agreement)
	}
}

// furthest is how far a matrix may be from the source's, relative to its size,
// in types of so many bits and more. What quantization does stays far below;
// of two unrelated matrices, one is 1.4 times its size from the other.
var furthest = []struct{ bits, distance float64 }{{16, 0.02}, {8, 0.1}, {4, 0.5}, {0, 0.95}}

const (
	vectorDistance = 2e-3 // of numbers that a file keeps in F32
	figureDistance = 1e-4 // of figures, which differ only by rounding
)

// departing says what is wrong with the parts that quantization does not
// explain.
func departing(parts []forward.PartDifference) (sentences []string) {
	for _, p := range parts {
		limit := vectorDistance
		switch p.Kind {
		case forward.PartFigure:
			limit = figureDistance
		case forward.PartMatrix:
			for _, row := range furthest {
				if limit = row.distance; p.Bits >= row.bits {
					break
				}
			}
		}
		switch {
		case p.Mismatch != "":
			sentences = append(sentences, p.Name+" "+p.Mismatch)
		case p.Distance <= limit:
		case p.Kind == forward.PartFigure:
			sentences = append(sentences, p.Name+" differs from the source's")
		default:
			sentences = append(sentences, fmt.Sprintf("%s is %.3g %% of its size away from the source's", p.Name, 100*p.Distance))
		}
	}
	return sentences
}

// several quotes the first of some sentences.
func several(all []string) string {
	if len(all) == 1 {
		return all[0]
	}
	return fmt.Sprintf("%s, and %d more", all[0], len(all)-1)
}

// judge fails a file that is further from its source than its types explain.
func judge(t produce.Target, agreement eval.Agreement) error {
	bits := coarsest(t.Plan)
	for _, limit := range maxVerifiedKLD {
		if bits < limit.bits {
			continue
		}
		if !(agreement.MeanKLD <= limit.kld) {
			return fault.Check("%s: differs from its source by a mean KL divergence of %.4f, more than %g: it is not a true conversion and was not kept (--no-verify keeps it)",
				t.Path, agreement.MeanKLD, limit.kld)
		}
		return nil
	}
	return nil
}

// coarsest returns the fewest bits per weight of any matrix.
func coarsest(plan *quantize.Plan) float64 {
	least := 32.0
	for _, c := range plan.Tensors {
		if t := c.Info.Type; len(c.Info.Shape) > 1 {
			least = min(least, 8*float64(t.BlockBytes())/float64(t.BlockLen()))
		}
	}
	return least
}

// remembered runs a model once and repeats its answer for every target.
type remembered struct {
	eval.Model
	logits []float32
}

func (r *remembered) Batch(ctx context.Context, sequences [][]int32, from int, emit func(int, int, []float32) error) error {
	if r.logits == nil {
		logits := make([]float32, 0, len(sequences[0])*r.Vocabulary())
		err := r.Model.Batch(ctx, sequences, from, func(_, _ int, rows []float32) error {
			logits = append(logits, rows...)
			return nil
		})
		if err != nil {
			return err
		}
		r.logits = logits
	}
	return emit(0, from, r.logits)
}
