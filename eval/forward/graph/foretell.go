package graph

import (
	"context"
	"math"

	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/fault"
)

// LogProbs runs sequences as [Model.Batch] does and returns, by sequence, the
// log-probability of the token behind each position from on; behind the last
// one there is none. Logits are made and summed tile by tile: no row of them is
// ever whole.
func (m *Model) LogProbs(ctx context.Context, sequences [][]int32, from int) ([][]float64, error) {
	result := make([][]float64, len(sequences))
	tokens, spans := m.spansOf(sequences)
	return result, m.pass(ctx, tokens, spans, from, func(r *run, x []float32, rows []outputRow) error {
		followed := rows[:0]
		for _, row := range rows {
			if row.row+1 < len(sequences[row.span]) {
				followed = append(followed, row)
			}
		}
		return m.foretell(r, x, followed, result, func(i int) (int, int32) {
			row := followed[i]
			return row.span, sequences[row.span][row.row+1]
		})
	})
}

// logitTile is how many logits of a row are held where only their sum and one
// of them are wanted. It fixes the order of the sum.
const logitTile = 4096

// foretell appends the log-probability of the token next behind each row to the
// result that it belongs to.
func (m *Model) foretell(r *run, x []float32, rows []outputRow, result [][]float64, next func(i int) (to int, token int32)) error {
	o := &m.out
	done := 0
	return o.pieces(r, x, m.width, rows, logitTile, func(some []outputRow, normed []float32) error {
		sums := make([]logSum, len(some))
		for i := range sums {
			to, token := next(done + i)
			if token < 0 || int(token) >= o.vocab {
				return fault.Op("forward").File(m.name).Corrupt("token %d is outside the vocabulary of %d", token, o.vocab)
			}
			sums[i] = logSum{to: to, token: int(token), peak: -math.MaxFloat32}
		}
		for first := 0; first < o.vocab; first += logitTile {
			wide := min(logitTile, o.vocab-first)
			logits, err := o.tile(r, normed, len(some), o.part(first, wide))
			if err != nil {
				return err
			}
			err = r.perRow(len(some), func(i int) { sums[i].add(first, logits[i*wide:(i+1)*wide]) })
			if err != nil {
				return err
			}
		}
		for _, s := range sums {
			result[s.to] = append(result[s.to], s.logProb())
		}
		done += len(some)
		return nil
	})
}

// logSum is ln Σ e^x over a row of logits that comes in tiles.
type logSum struct {
	to, token int // whose logit is kept
	logit     float32
	peak      float32 // the largest so far; at first one that infinity can be subtracted from
	total     float64 // Σ e^(x-peak)
}

// add adds the logits from first on, which it overwrites.
func (s *logSum) add(first int, logits []float32) {
	if at := s.token - first; 0 <= at && at < len(logits) {
		s.logit = logits[at]
	}
	if peak := kernel.Max(logits); peak > s.peak {
		s.total = float64(s.total * math.Exp(float64(s.peak)-float64(peak)))
		s.peak = peak
	}
	s.total += kernel.Exp(logits, logits, s.peak)
}

// logProb returns the log-probability of the token.
func (s *logSum) logProb() float64 {
	return float64(s.logit) - (float64(s.peak) + math.Log(s.total))
}
