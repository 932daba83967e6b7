package kernel

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkSearches(b *testing.B) {
	held := active
	defer func() { active = held }()
	for _, v := range variants() {
		active = v
		for _, n := range []int{16, 32} {
			s := new(Scratch)
			r := rand.New(rand.NewPCG(1, 2))
			x := make([]float32, n*Lanes)
			samples[0].fill(r, x)
			s.Load(x, n)
			s.Weigh(Spread, n)
			levels := make([]uint8, len(x))
			scale, c := NewScaleSearch(32), Rounding{0, 15}
			for _, k := range []struct {
				name string
				run  func()
			}{
				{"load", func() { s.Load(x, n) }},
				{"weigh", func() { s.Weigh(Spread, n) }},
				{"min", func() { s.SearchMin(&minSearches[2], n) }},
				{"scale", func() { s.SearchScale(&scale, n) }},
				{"settle", func() { s.Settle(4, n) }},
				{"descend", func() { s.Descend(4, n) }},
				{"divide", func() { c.Divide(levels, x, n, s.Scale[:], s.From[:]) }},
			} {
				b.Run(k.name+"/"+v.name+"/"+string(rune('0'+n/16))+"×16", func(b *testing.B) {
					b.SetBytes(int64(4 * len(x)))
					for b.Loop() {
						k.run()
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/value")
				})
			}
		}
	}
}
