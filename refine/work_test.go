package refine

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
)

// TestTheWorkIsThatOfTheFormulas: Llama 3 8B's shape, for each token and once.
func TestTheWorkIsThatOfTheFormulas(t *testing.T) {
	q4, _ := quantize.ByID(gguf.TypeQ4_K)
	const d, ff, kv, vocab, layers = 4096, 14336, 1024, 128256, 32
	list := []Shape{{"token_embd.weight", q4, vocab, d, 1, 1}, {"output.weight", q4, vocab, d, 1, 1}}
	for i := range layers {
		for _, m := range []struct {
			name          string
			rows, columns int
		}{{"attn_q", d, d}, {"attn_k", kv, d}, {"attn_v", kv, d}, {"attn_output", d, d}, {"ffn_gate", ff, d}, {"ffn_up", ff, d}, {"ffn_down", d, ff}} {
			list = append(list, Shape{fmt.Sprintf("blk.%d.%s.weight", i, m.name), q4, m.rows, m.columns, 1, 1})
		}
	}
	const tokens = 1 << 16
	few, many := WorkOf(list, tokens), WorkOf(list, 2*tokens)
	weights := 2.0*d*d + 2*kv*d + 3*ff*d
	squares := 3.0*d*d + ff*ff
	crosses := 2.0 * 2 * d * d
	added := 2.0*d*d + 2*d*ff
	each := layers*(2*2*weights+squares+crosses+added) + 3*d*d // both models, the sums, and the output's
	if got := (many.Operations - few.Operations) / tokens; math.Abs(got/each-1) > 1e-6 {
		t.Errorf("%g operations for each token, want %g", got, each)
	}
	// Eight products of each matrix with the second moments, ten of those that end
	// in the residual stream, what inputs lack, solved, and the factors.
	once := layers*(8*d*d*(d+2*kv+2*ff)+10*d*(d*d+ff*ff)) + 8.0*vocab*d*d
	once += (2*layers + 1) * 2 * d * d * d
	once += layers*(3.0*d*d*d+ff*ff*ff)/3 + d*d*d/3
	rest := few.Operations - tokens*each - once
	if held := 10 * float64(heldRows(ff)) * layers * weights; rest < held || rest > 3*held {
		t.Errorf("%g operations are left for what is held back", rest)
	}
	if want := (layers*weights + vocab*d) * 380 * 1e-9; math.Abs(few.Searches.Seconds()/want-1) > 1e-3 || few.Searches != many.Searches {
		t.Errorf("searches of %s, want %g s", few.Searches, want)
	}
	all := runtime.GOMAXPROCS(0)
	if one, more, most := few.Time(1), few.Time(all), few.Time(2*all); one < time.Minute || one/time.Duration(all) != more || more != most {
		t.Errorf("%s for one worker, %s for %d, %s for more", one, more, all, most)
	}
	// Of eight experts a token has two, and all are rounded.
	expert := WorkOf([]Shape{{"blk.0.ffn_up_exps.weight", q4, ff, d, 8, 2}}, tokens)
	dense := WorkOf([]Shape{{"blk.0.ffn_up.weight", q4, ff, d, 1, 1}}, tokens)
	if expert.Searches != 8*dense.Searches || expert.Operations <= 2*dense.Operations || expert.Operations >= 8*dense.Operations {
		t.Errorf("experts take %+v, a matrix alone %+v", expert, dense)
	}
}
