package rounding

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/f190792d/mq/internal/brief"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/quantize/block"
)

// points are the codes of eight values that blocks of a type can have, drawn
// from what its quantizer makes of random values.
func points(typ quantize.Type) map[[unitSize]uint8]bool {
	random := rand.New(rand.NewPCG(3, 8))
	src, weights := make([]float32, 256), make([]float32, 256)
	data, found := make([]byte, typ.Bytes), map[[unitSize]uint8]bool{}
	for range 300 {
		for i := range src {
			src[i], weights[i] = float32(random.NormFloat64()), 1
		}
		typ.Quantize(data, src, weights)
		var c block.Codes
		typ.Grid.Unpack(&c, data)
		for i := 0; i < 256; i += unitSize {
			found[[unitSize]uint8(c.Level[i:])] = true
		}
	}
	return found
}

// inBook reports whether a type's codebook has the codes of a unit.
func inBook(c *Codes, codes [unitSize]uint8) bool {
	b := c.grid.Book
	if b.Sets > 0 {
		var code uint16
		for i, k := range codes {
			code |= uint16(k/2) << (i * b.Bits)
			if k%2 != codes[0]%2 {
				return false
			}
		}
		return b.Near(code) == nil
	}
	for i := 0; i < unitSize; i += b.Dims {
		if b.Near(c.codeOf(codes[i:i+b.Dims])) != nil {
			return false
		}
	}
	return true
}

// TestUnitsAreFilledWell: what is chosen for eight columns is in the codebook,
// costs what the plain formula says in float64, and hardly anything of many
// other points of the book costs less.
func TestUnitsAreFilledWell(t *testing.T) {
	for _, typ := range brief.Of(gridded(), 5) {
		if typ.Grid.Book == nil {
			continue
		}
		c := &Codes{Columns: unitSize, typ: typ, grid: typ.Grid, levels: levelsOf(typ.Grid.Levels)}
		others := points(typ)
		random := rand.New(rand.NewPCG(4, 1))
		better, total := 0, 0.0
		const trials = 200
		for range trials {
			var a [unitSize][unitSize]float64
			for range 20 {
				var x [unitSize]float64
				common := random.NormFloat64()
				for i := range x {
					x[i] = random.NormFloat64() + common
				}
				for i := range x {
					for j := range x {
						a[i][j] += x[i] * x[j] / 20
					}
				}
			}
			u, ok := unitOf(func(i, j int) float32 { return float32(a[i][j]) })
			if !ok {
				t.Fatal("the matrix is not positive definite")
			}
			var target [unitSize]float32
			for i := range target {
				target[i] = float32(random.NormFloat64() * 4)
			}
			st := c.newStep(1, 1, 0, 0)
			cost := func(codes [unitSize]uint8) (sum float64) {
				var d [unitSize]float64
				for i, k := range codes {
					d[i] = float64(target[i]) - float64(st.value(c.values[k]))
				}
				for i := range d {
					for j := range d {
						sum += d[i] * a[i][j] * d[j]
					}
				}
				return sum
			}
			f := c.fill(&u, &wish{st, &target, &target, bothSets})
			own := cost(f.codes)
			if math.Abs(own-float64(f.cost)) > 1e-3*own {
				t.Fatalf("%s: the cost is said to be %v, and is %v", typ.Name, f.cost, own)
			}
			minus := uint(0)
			if !inBook(c, f.codes) {
				t.Fatalf("%s: %v is not in the codebook", typ.Name, f.codes)
			}
			for i, k := range f.codes {
				if int(k) < len(c.values)/2 {
					minus |= 1 << i
				}
			}
			if typ.Grid.Book.Even && bits.OnesCount(minus)%2 != 0 {
				t.Fatalf("%s: %v has an odd number of minus signs", typ.Name, f.codes)
			}
			best := own
			for other := range others {
				best = min(best, cost(other))
			}
			if best < own {
				better++
			}
			total += own / best / trials
		}
		t.Logf("%s: %d of %d could be better, by %.3f on average", typ.Name, better, trials, total)
		if total > 1.5 {
			t.Errorf("%s: units cost %.2f times what they could", typ.Name, total)
		}
	}
}
