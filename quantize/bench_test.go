package quantize

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// The benchmarks count bytes of a source in BF16. They take many different
// rows, since processors learn the branches that one row takes.
const (
	benchColumns = 2048
	benchRows    = 64
)

func benchSource() (rows [][]float32, weights []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	rows = make([][]float32, benchRows)
	for i := range rows {
		rows[i] = make([]float32, benchColumns)
		for j := range rows[i] {
			rows[i][j] = float32(r.NormFloat64() * 0.02)
		}
	}
	weights = make([]float32, benchColumns)
	for j := range weights {
		weights[j] = float32(r.ExpFloat64())
	}
	return rows, weights
}

// perValue reports the time for a value when each turn takes a row.
func perValue(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchColumns, "ns/value")
}

func BenchmarkQuantize(b *testing.B) {
	rows, weights := benchSource()
	for _, typ := range types {
		dst := make([]byte, benchColumns/typ.Block*typ.Bytes)
		run := func(b *testing.B, weights []float32) {
			typ.Quantize(dst, rows[0], weights) // builds tables
			b.SetBytes(2 * benchColumns)
			for i := 0; b.Loop(); i++ {
				typ.Quantize(dst, rows[i%benchRows], weights)
			}
			perValue(b)
		}
		b.Run(typ.Name, func(b *testing.B) {
			if typ.NeedsWeights {
				b.Skip("needs weights")
			}
			run(b, nil)
		})
		b.Run(typ.Name+"/weighted", func(b *testing.B) { run(b, weights) })
	}
}

// BenchmarkLeast sums the least times of the rows: what a type takes while
// nothing else uses the core, on a machine that others use, too. With
// MQ_BENCH_ROWS it writes the rows and weights to that file, where
// internal/bench/rows.sh has ggml timed on the same.
func BenchmarkLeast(b *testing.B) {
	rows, weights := benchSource()
	if path := os.Getenv("MQ_BENCH_ROWS"); path != "" {
		var data []byte
		for _, row := range append(slices.Clone(rows), weights) {
			for _, v := range row {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
			}
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for _, typ := range types {
		dst := make([]byte, benchColumns/typ.Block*typ.Bytes)
		for _, with := range []struct {
			name    string
			weights []float32
		}{{typ.Name, nil}, {typ.Name + "/weighted", weights}} {
			b.Run(with.name, func(b *testing.B) {
				if typ.NeedsWeights && with.weights == nil {
					b.Skip("needs weights")
				}
				least := make([]time.Duration, len(rows))
				for b.Loop() {
					for i, x := range rows {
						start := time.Now()
						typ.Quantize(dst, x, with.weights)
						if d := time.Since(start); least[i] == 0 || d < least[i] {
							least[i] = d
						}
					}
				}
				var sum time.Duration
				for _, d := range least {
					sum += d
				}
				b.ReportMetric(float64(sum.Nanoseconds())/float64(len(rows)*benchColumns), "least-ns/value")
			})
		}
	}
}

func BenchmarkDequantize(b *testing.B) {
	rows, weights := benchSource()
	for _, typ := range types {
		b.Run(typ.Name, func(b *testing.B) {
			size := benchColumns / typ.Block * typ.Bytes
			src := make([]byte, benchRows*size)
			for i, x := range rows {
				typ.Quantize(src[i*size:][:size], x, weights)
			}
			y := make([]float32, benchColumns)
			b.SetBytes(2 * benchColumns)
			for i := 0; b.Loop(); i++ {
				typ.Dequantize(y, src[i%benchRows*size:][:size])
			}
			perValue(b)
		})
	}
}
