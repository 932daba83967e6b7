package forward

import (
	"context"
	"os"
	"testing"
)

// BenchmarkBatch measures prompt processing of the model in $MQ_BENCH_MODEL,
// a file or a folder, else of the small test model.
func BenchmarkBatch(b *testing.B) {
	path := os.Getenv("MQ_BENCH_MODEL")
	if path == "" {
		path = stories
	}
	m := open(b, path)
	var batch [][]int32
	const sequences, length = 4, 512
	for s := range sequences {
		tokens := make([]int32, length)
		for i := range tokens {
			tokens[i] = int32((s + 1) * i * i % m.Vocabulary())
		}
		batch = append(batch, tokens)
	}
	h := m.Hyper()
	weights := h.Layers * h.Embed * (3*h.FF + 2*(h.Heads+h.KVHeads)*h.HeadDim)
	flops := 2 * float64(sequences*length) * (float64(weights) + float64(m.Vocabulary()*h.Embed)/2)
	for b.Loop() {
		err := m.Batch(context.Background(), batch, length/2, func(_, _ int, _ []float32) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(sequences*length/seconds, "tokens/s")
	b.ReportMetric(flops/seconds/1e9, "GFLOP/s")
}
