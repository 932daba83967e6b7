package block

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/f190792d/mq/quantize/kernel"
)

// checkNear compares the codes of all tries, together and one at a time, and
// their sums with those of a search without shortcuts.
func checkNear(t *testing.T, f *gridFormat, x, w []float32) {
	t.Helper()
	s := new(gridSearch)
	s.use(f)
	s.load(x, w)
	s.fit(0, 1)
	if _, ok := s.result(); !ok {
		return
	}
	n := 2*f.span + 1
	got, outside := slices.Clone(s.tried), s.outside
	lx, ll := s.sums(n)
	lx, ll = slices.Clone(lx), slices.Clone(ll)
	checkBest(t, s, lx, ll)
	for g := range f.size / f.dims {
		outsideEach := s.tryEach(g, n, s.tries, &s.tried[g])
		if !slices.Equal(got[g][:n], s.tried[g][:n]) {
			t.Fatalf("%d bytes: x %v w %v: group %d has %x, want %x", f.bytes, x, w, g, got[g][:n], s.tried[g][:n])
		}
		if outside[g] != outsideEach {
			t.Fatalf("%d bytes: x %v: tries outside are %x, want %x", f.bytes, x, outside[g], outsideEach)
		}
		for k := range n {
			if !s.kernels || !s.askAgain(g, s.tries.Inverse[k], s.tries.Scale[k]) {
				continue
			}
			s.answer(s.x, s.root)
			code := s.tried[g][again]
			if code != got[g][k] {
				t.Fatalf("%d bytes: x %v w %v scale %v: code alone is %x, want %x", f.bytes, x, w, s.once.Scale[0], code, got[g][k])
			}
		}
	}
	checkSettled(t, s, n)
	for k := range n {
		for g := range f.size / f.dims {
			s.codes[g] = uint16(got[g][k])
		}
		if x, l := s.project(); !sameOrNaN(x, lx[k]) || !sameOrNaN(l, ll[k]) {
			t.Fatalf("%d bytes: sums of try %d are %v and %v, want %v and %v", f.bytes, k, lx[k], ll[k], x, l)
		}
	}
}

// TestFewFindTheFirstOfTheNearest compares the choice from a list without the codes
// that others outdo with that from the whole list.
func TestFewFindTheFirstOfTheNearest(t *testing.T) {
	found, searched := 0, 0
	blocks(8, func(x, w []float32) {
		few, all := checkFew(t, x, w)
		found, searched = found+few, searched+all
	})
	want := 1000
	if testing.Short() {
		want = 200
	}
	if kernel.HasNear() && (found < want || searched < want) {
		t.Errorf("only %d and %d were found", found, searched)
	}
}

// checkFew returns how many codes the kernels for short lists and for whole ones found.
func checkFew(t *testing.T, x, w []float32) (found, searched int) {
	t.Helper()
	book := coder1x2048()
	var near kernel.Near
	scale := abs(x[0]) + abs(x[3])
	for d, values := range values1 {
		var cost terms
		for l, v := range values {
			near.Values[l] = scale * v
			for i := range x {
				d := near.Values[l] - x[i]
				cost[4*i+l] = w[i] * d * d
			}
		}
		for wrong := range 2 { // levels that are not the nearest
			var point uint16
			for i := range x {
				best := 0
				for l := range 3 {
					if cost[4*i+l] < cost[4*i+best] {
						best = l
					}
				}
				point |= uint16((best+wrong*i)%3) << (2 * i)
			}
			place := book.place[point]
			if place >= 0 {
				continue
			}
			list := book.neighbours(place)
			want := cheapest8(list, &cost)
			if got := (&nearest1{book: book}).code(x, w, scale, uint8(d), point, place); got != want {
				t.Fatalf("x %v w %v scale %v shift %d: %x is replaced by %x, want %x", x, w, scale, d, point, got, want)
			}
			if got, ok := near.Few(x, w, point, book.fewest(place)); ok {
				found++
				if got != want {
					t.Fatalf("x %v w %v scale %v shift %d: %x is found near %x, want %x", x, w, scale, d, got, point, want)
				}
			}
			if len(list) >= longList && kernel.HasNear() && near.Search(x, w, book.planes(place), list) {
				searched++
				if got := near.Nearest(list); got != want {
					t.Fatalf("x %v w %v scale %v shift %d: the search finds %x near %x, want %x", x, w, scale, d, got, point, want)
				}
			}
		}
	}
	return found, searched
}

// FuzzFew chooses from lists for arbitrary finite values and weights.
func FuzzFew(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf, 0, 0, 0x40, 0x3f}, 6))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0x80, 0xff, 0xff, 0x7f, 0x7f}, 8))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0x3f, 3, 0, 0, 0x40, 7, 1, 2, 0x3e, 5}, 4))
	f.Add(bytes.Repeat([]byte{0, 0, 0x40, 0xbe, 0, 0, 0x80, 0x3f, 0, 0, 0x90, 0x3e, 0, 0, 0x20, 0x3f, 0, 0, 0x10, 0x3f, 0, 0, 0x60, 0x3f}, 3)) // both kinds of lists
	f.Fuzz(func(t *testing.T, data []byte) {
		x, w := make([]float32, 8), make([]float32, 8)
		for i := range x {
			var word [8]byte
			copy(word[:], data[min(8*i, len(data)):])
			x[i] = finite(binary.LittleEndian.Uint32(word[:]))
			w[i] = abs(finite(binary.LittleEndian.Uint32(word[4:])))
		}
		checkFew(t, x, w)
	})
}

// checkBest compares the try that explains most with that of a search in order of
// all.
func checkBest(t *testing.T, s *gridSearch, lx, ll []float32) {
	t.Helper()
	var best, scale float32
	want := -1
	for k := range lx {
		if ll[k] > 0 && float32(lx[k]*lx[k]) > float32(best*ll[k]) {
			want, scale = k, lx[k]/ll[k]
			best = scale * lx[k]
		}
	}
	if got, gotScale := s.bestTry(len(lx), 0); got != want || gotScale != scale {
		t.Fatalf("%d bytes: the best try is %d, want %d; sums %v and %v", s.bytes, got, want, lx, ll)
	}
}

// checkSettled compares the codes that follow from those of two tries, for
// scales between all of them, with a search for each.
func checkSettled(t *testing.T, s *gridSearch, n int) {
	t.Helper()
	if !s.kernels {
		return
	}
	for k := range n - 1 {
		scale := s.tries.Scale[k] + 0.3*(s.tries.Scale[k+1]-s.tries.Scale[k])
		s.once.Inverse[0], s.once.Scale[0] = 1/scale, scale
		settled := s.allGroups() &^ s.settle(s.allGroups(), 1/scale, scale)
		for g := range s.size / s.dims {
			s.tryEach(g, 1, &s.once, &s.chosen)
			if settled>>g&1 != 0 && s.codes[g] != uint16(s.chosen[0]) {
				t.Fatalf("%d bytes: x %v w %v scale %v: group %d settles for %x, want %x", s.bytes, s.x, s.w, scale, g, s.codes[g], s.chosen[0])
			}
		}
	}
}

// load takes one sub-block with its weights.
func (s *gridSearch) load(x, w []float32) {
	copy(s.values.weight[:], w)
	s.split(x)
	s.turn(0)
}

func sameOrNaN(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

var gridFormats = []*gridFormat{&iq2xxs, &iq2xs, &iq2s, &iq3xxs, &iq3s}

func TestKernelsFindTheNearestCode(t *testing.T) {
	for _, f := range gridFormats {
		blocks(f.size, func(x, w []float32) { checkNear(t, f, x, w) })
	}
}

// FuzzNearest searches for the codes of arbitrary finite values and weights.
func FuzzNearest(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf, 0, 0, 0x40, 0x3f}, 32))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0x80, 0xff, 0xff, 0x7f, 0x7f}, 16))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0x3f, 3, 0, 0, 0x40, 7, 1, 2, 0x3e, 5}, 17))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, w := make([]float32, 32), make([]float32, 32)
		for i := range 32 {
			var word [8]byte
			copy(word[:], data[min(8*i, len(data)):])
			x[i] = finite(binary.LittleEndian.Uint32(word[:]))
			w[i] = abs(finite(binary.LittleEndian.Uint32(word[4:])))
		}
		for _, f := range gridFormats {
			checkNear(t, f, x[:f.size], w)
		}
	})
}
