package proof

import (
	"fmt"

	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/eval/forward"
	"github.com/f190792d/mq/formats/gguf"
)

// Limits are how far a file may be from its source if nothing was done but
// rounding weights to its types.
//
// They are wide. What is wrong with a single part shows in the comparison of
// parts, whose limits hardly depend on the model; the prompt finds what is
// wrong between the parts, and that puts a model far outside. Models that are
// small or have random weights suffer much more from few bits than large ones.
type Limits struct {
	Bits float64 // per weight, and more

	// Part bounds the distance of a matrix, which depends on its own type.
	// Rounding stays far below it; of two unrelated matrices, one is 1.4 times
	// its own size away from the other.
	Part float64
	// KLD bounds the mean divergence of the prompt's next tokens, in nats.
	KLD float64
	// Top1 is the least share of positions with the same most likely token. A
	// model that can hardly choose changes its choice easily, so that types
	// with few bits set none.
	Top1 float64
	// Cosine is the least of a position's embedding and the source's, of models
	// without logits.
	Cosine float64
	// Ratio bounds the prompt's perplexity over that of the source.
	Ratio float64
}

// table holds the limits by bits per weight, most bits first. Divergence and
// perplexity are decided by the coarsest matrix of a file: a single one of few
// bits can spoil what all the others keep.
var table = []Limits{
	// F16 and BF16 round one bit in 2^8 or 2^11: the prompt hardly notices.
	{Bits: 16, Part: 0.02, KLD: 0.02, Top1: 0.8, Ratio: 1.05, Cosine: 0.999},
	// Q8_0: half a percent of each weight; random models lose up to 0.05 nats.
	{Bits: 8, Part: 0.1, KLD: 0.1, Top1: 0.5, Ratio: 1.2, Cosine: 0.99},
	// Q6_K and Q5_K: 1 to 3 % of a matrix.
	{Bits: 5.5, Part: 0.5, KLD: 0.5, Top1: 0, Ratio: 2, Cosine: 0.95},
	// Q4 and IQ4: 6 to 9 % of a matrix, more where an importance matrix says
	// that columns do not matter.
	{Bits: 4, Part: 0.5, KLD: 1, Top1: 0, Ratio: 4, Cosine: 0.8},
	// Q3 and IQ3: 15 to 20 % of a matrix.
	{Bits: 3, Part: 0.95, KLD: 2, Top1: 0, Ratio: 10, Cosine: 0.5},
	// Q2 and IQ2: 30 to 40 %. Small models fall apart.
	{Bits: 2, Part: 0.95, KLD: 6, Top1: 0, Ratio: 1e3, Cosine: 0},
	// One bit keeps signs and a scale: only the parts still tell, and the
	// prompt what is broken altogether.
	{Bits: 0, Part: 0.95, KLD: 15, Top1: 0, Ratio: 1e6, Cosine: -1},
}

const (
	// vectorDistance bounds numbers that a file keeps in F32, which a source in
	// BF16 has with eight bits.
	vectorDistance = 2e-3
	// RefinedDistance bounds matrices of refined files, whose rows are no farther
	// away than quantize.MaxRefined unless their rounding is.
	RefinedDistance = 0.95
	// unrefinedBits is from how many bits per weight on matrices are not refined.
	unrefinedBits = 16
	// figureDistance bounds figures that follow from key-values, of which some
	// are written as float32 and computed by another way.
	figureDistance = 1e-4
)

// For returns the limits for weights of so many bits.
func For(bits float64) Limits {
	for _, row := range table {
		if bits >= row.Bits {
			return row
		}
	}
	return table[len(table)-1]
}

// CoarsestBits returns the fewest bits per weight of any matrix.
func CoarsestBits(tensors []gguf.TensorInfo) float64 {
	least := 32.0
	for _, t := range tensors {
		if len(gguf.TrimShape(t.Shape)) > 1 && t.Type.BlockLen() > 0 {
			least = min(least, t.Type.BitsPerWeight())
		}
	}
	return least
}

// Explain returns a sentence for every figure that is beyond the limits.
func (l Limits) Explain(a eval.Agreement) (sentences []string) {
	say := func(format string, args ...any) { sentences = append(sentences, fmt.Sprintf(format, args...)) }
	if !(a.MeanKLD <= l.KLD) {
		say("mean KL divergence %.4g passes the limit of %.4g", a.MeanKLD, l.KLD)
	}
	if !(a.Top1 >= l.Top1) {
		say("the most likely token is the source's at %.1f %% of positions, less than %.1f %%", 100*a.Top1, 100*l.Top1)
	}
	if !(a.Ratio <= l.Ratio) {
		say("the perplexity is %.4g times the source's, more than %.4g times", a.Ratio, l.Ratio)
	}
	return sentences
}

// ExplainEmbeddings returns a sentence for every figure that is beyond the
// limits.
func (l Limits) ExplainEmbeddings(c eval.Closeness) (sentences []string) {
	for _, f := range []struct {
		what   string
		cosine float64
	}{{"the text's embedding", c.Cosine}, {fmt.Sprintf("position %d", c.Worst), c.MinCosine}} {
		if !(f.cosine >= l.Cosine) {
			sentences = append(sentences, fmt.Sprintf("the cosine of %s and the source's is %.4g, less than %.4g", f.what, f.cosine, l.Cosine))
		}
	}
	return sentences
}

// explainPart says what is wrong with a part that rounding does not explain;
// it is empty where nothing is.
func explainPart(p forward.PartDifference, refined bool) string {
	limit := vectorDistance
	switch p.Kind {
	case forward.PartFigure:
		limit = figureDistance
	case forward.PartMatrix:
		if limit = For(p.Bits).Part; refined && p.Bits < unrefinedBits {
			limit = max(limit, RefinedDistance)
		}
	}
	switch {
	case p.Mismatch != "":
		return p.Name + " " + p.Mismatch
	case p.Distance <= limit: // false for NaN
		return ""
	case p.Kind == forward.PartFigure:
		return p.Name + " differs from the source's"
	}
	return fmt.Sprintf("%s is %.3g %% of its size away from the source's", p.Name, 100*p.Distance)
}
