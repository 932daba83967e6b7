package block

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// coders are all codebooks with their shapes and reach.
var coders = []struct {
	name   string
	coder  func() *coder
	shape  lattice
	size   int
	shells int
}{
	{"IQ2_XXS", coder2x256, ternary, 256, 2},
	{"IQ2_XS", coder2x512, ternary, 512, 2},
	{"IQ2_S", coder2x1024, ternary, 1024, 1},
	{"IQ1", coder1x2048, ternary, 2048, 3},
	{"IQ3_XXS", coder3x256, octal, 256, 2},
	{"IQ3_S", coder3x512, octal, 512, 3},
}

func TestCodebooksAreAscendingSetsOfTheirSize(t *testing.T) {
	for _, c := range coders {
		codes := c.coder().codes
		if len(codes) != c.size || !slices.IsSorted(codes) || codes[0] != 0 {
			t.Errorf("%s: %d codes from %#x, want %d ascending from 0", c.name, len(codes), codes[0], c.size)
		}
		for rank, code := range codes {
			if place := c.coder().place[code]; place != int32(rank) {
				t.Errorf("%s: code %#x is at %d, want %d", c.name, code, place, rank)
			}
		}
	}
}

func TestNeighboursAreTheNearestShellsInOrder(t *testing.T) {
	for _, c := range coders {
		book := c.coder()
		distance := func(a, b uint16) (sum int) {
			for range c.shape.dims {
				d := int(a&(1<<c.shape.bits-1)) - int(b&(1<<c.shape.bits-1))
				sum += d * d
				a, b = a>>c.shape.bits, b>>c.shape.bits
			}
			return sum
		}
		for n := 0; n < c.shape.points(); n += 37 {
			point := c.shape.code(n)
			place := book.place[point]
			if place >= 0 {
				continue
			}
			want := slices.Clone(book.codes)
			slices.SortStableFunc(want, func(a, b uint16) int { return distance(a, point) - distance(b, point) })
			shells := 1
			for i := 1; i < len(want); i++ {
				if distance(want[i], point) > distance(want[i-1], point) {
					if shells == c.shells {
						want = want[:i]
						break
					}
					shells++
				}
			}
			if got := book.neighbours(place); !slices.Equal(got, want) {
				t.Fatalf("%s: neighbours of %#x are %x, want %x", c.name, point, got, want)
			}
		}
	}
}

func TestListsLackCodesThatOthersOutdo(t *testing.T) {
	for _, c := range coders {
		book := c.coder()
		outdone := func(point, code, by uint16) bool {
			for range c.shape.dims {
				level := func(code uint16) int { return int(code & (1<<c.shape.bits - 1)) }
				near, far := level(by)-level(point), level(code)-level(point)
				if near != far && near*near >= far*far {
					return false
				}
				point, code, by = point>>c.shape.bits, code>>c.shape.bits, by>>c.shape.bits
			}
			return true
		}
		for n := 0; n < c.shape.points(); n += 37 {
			point := c.shape.code(n)
			place := book.place[point]
			if place >= 0 {
				if book.points[n] != int32(point) {
					t.Fatalf("%s: point %#x has %#x", c.name, point, book.points[n])
				}
				continue
			}
			var want []uint16
			list := book.neighbours(place)
			for _, code := range list {
				if !slices.ContainsFunc(list, func(by uint16) bool { return by != code && outdone(point, code, by) }) {
					want = append(want, code)
				}
			}
			if got := book.fewest(place); !slices.Equal(got, want) || book.points[n] != place {
				t.Fatalf("%s: %#x has the list %x, want %x", c.name, point, got, want)
			}
		}
	}
}

// blocks yields sub-blocks of many kinds with importances.
func blocks(n int, f func(x, w []float32)) {
	r := rand.New(rand.NewPCG(1, 2))
	x, w := make([]float32, n), make([]float32, n)
	kinds := 3000
	if testing.Short() {
		kinds = 560 // twice each kind at each scale
	}
	for kind := range kinds {
		scale := math.Exp(float64(kind%40-20) * 0.7)
		for i := range x {
			v := r.NormFloat64()
			switch kind % 5 {
			case 1:
				v = math.Round(2 * v)
			case 2:
				v = v * v * v
			case 3:
				v *= float64(r.IntN(2))
			}
			x[i], w[i] = float32(v*scale), float32(r.ExpFloat64())
			switch kind % 7 {
			case 0:
				w[i] *= float32(r.IntN(2))
			case 1, 2: // many codes are nearly as good as another
				w[i] = 1
			}
		}
		f(x, w)
	}
}

func TestSharedWorkChoosesTheCodesOfEachTry(t *testing.T) {
	for _, f := range gridFormats {
		s := new(gridSearch)
		s.use(f)
		blocks(f.size, func(x, w []float32) {
			s.load(x, w)
			n := 2*f.span + 1
			s.fit(0, 1)
			if !s.open || !s.wellScaled(s.tries, n) {
				return
			}
			for g := range f.size / f.dims {
				outside := s.tryShared(g, n)
				got := s.tried[g]
				if want := s.tryEach(g, n, s.tries, &s.tried[g]); outside != want {
					t.Fatalf("%d bytes: x %v: tries outside are %x, want %x", f.bytes, x, outside, want)
				}
				if !slices.Equal(got[:n], s.tried[g][:n]) {
					t.Fatalf("%d bytes: x %v w %v: group %d has %x, want %x", f.bytes, x, w, g, got[:n], s.tried[g][:n])
				}
			}
		})
	}
}

func TestEighthSignMakesMinusesEven(t *testing.T) {
	var s gridSearch
	s.use(&iq2xs)
	blocks(16, func(x, w []float32) {
		s.load(x, w)
		for k, minus := range s.signs[:2] {
			if got := evenSigns(uint32(minus & 127)); got != minus {
				t.Fatalf("signs %08b read back as %08b", minus, got)
			}
			for i, v := range x[8*k:][:8] {
				if got := signed(s.x[8*k+i], minus>>i); got != v {
					t.Fatalf("%v became %v", v, got)
				}
			}
		}
	})
}

// TestIQTypesTakeAnyInput quantizes what has no sensible answer: there is no
// panic, and whatever comes depends on no row before.
func TestIQTypesTakeAnyInput(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	special := []float32{0, 1, -1, inf, -inf, nan, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1e-20}
	r := rand.New(rand.NewPCG(3, 4))
	x, w, y, block := make([]float32, 512), make([]float32, 512), make([]float32, 512), make([]byte, 512)
	again, other := make([]byte, 512), make([]byte, 512)
	ordinary, _ := bell(512)
	for range 200 {
		kinds := 1 + r.IntN(len(special))
		for i := range x {
			x[i], w[i] = special[r.IntN(kinds)], special[r.IntN(len(special))]
		}
		for _, typ := range iqTypes {
			for _, weights := range [][]float32{w, nil} {
				clear(block)
				typ.quantize(block, x, weights)
				typ.quantize(other, ordinary, w)
				clear(again)
				typ.quantize(again, x, weights)
				if !bytes.Equal(block, again) {
					t.Fatalf("%s: the same row gives other bytes: %v", typ.name, x)
				}
			}
			for i := range block {
				block[i] = byte(r.Uint32())
			}
			typ.dequantize(y, block)
		}
	}
}

func TestIQTypesDoNotAllocate(t *testing.T) {
	x, w := bell(1024)
	y, block := make([]float32, len(x)), make([]byte, len(x))
	for _, typ := range iqTypes {
		if n := testing.AllocsPerRun(20, func() {
			typ.quantize(block, x, w)
			typ.dequantize(y, block)
		}); n >= 1 {
			t.Errorf("%s: %v allocations for a row", typ.name, n)
		}
	}
}
