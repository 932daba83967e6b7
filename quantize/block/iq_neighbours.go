package block

import (
	"slices"
	"sync"

	"github.com/f190792d/mq/quantize/kernel"
)

// A coder finds, for any point of the lattice, its rank in the
// codebook or the codes near it.
type coder struct {
	*codebook
	// place says for each code its rank, or, for one outside of the book, the
	// complement of the start of its list in few, and points the same for the
	// number of a point, with codes in the place of ranks.
	place, points []int32
	// few holds lists without the codes that others of them outdo, each after its
	// length and before the start of the whole list in near, in two halves. Room
	// for kernels follows.
	few []uint16
	// near holds whole lists, each after its length, and, of the book of IQ1, what
	// a kernel reads of them, if there is one.
	near []uint16
}

// The number is how many distinct distances a list of neighbours reaches:
// fewer where the book is dense. It and the order of the lists (by distance,
// then by rank) are part of the formats, as ties go to the first neighbour.
var (
	coder2x256  = sync.OnceValue(func() *coder { return newCoder(codes2x256(), ternary, 2) })
	coder2x512  = sync.OnceValue(func() *coder { return newCoder(codes2x512(), ternary, 2) })
	coder2x1024 = sync.OnceValue(func() *coder { return newCoder(codes2x1024(), ternary, 1) })
	coder1x2048 = sync.OnceValue(func() *coder { return newCoder(codes1x2048(), ternary, 3) })
	coder3x256  = sync.OnceValue(func() *coder { return newCoder(codes3x256(), octal, 2) })
	coder3x512  = sync.OnceValue(func() *coder { return newCoder(codes3x512(), octal, 3) })
)

// maxDistance exceeds the squared distance of any two points.
const maxDistance = 256

func newCoder(book *codebook, l lattice, shells int) *coder {
	c := &coder{codebook: book, place: make([]int32, 1<<(l.dims*l.bits)), points: make([]int32, l.points())}
	for rank, code := range book.codes {
		c.place[code] = int32(rank) + 1 // 0 is outside, until all are known
	}
	measure := newRuler(book, l)
	for n := range l.points() {
		code := l.code(n)
		if c.place[code] > 0 {
			c.points[n] = int32(code)
			continue
		}
		c.place[code] = ^int32(len(c.few))
		c.points[n] = c.place[code]
		start := len(c.near)
		c.near = measure.appendShells(c.near, code, shells)
		c.few = measure.appendFew(c.few, code, c.near[start+1:])
		c.few = append(c.few, uint16(start), uint16(start>>16))
		if len(book.codes) == 2048 && kernel.HasNear() {
			c.near = kernel.AppendPlanes(c.near, c.neighbours(c.place[code]))
		}
	}
	longest := 0
	for _, place := range c.points {
		if at := int(^place); at >= 0 {
			longest = max(longest, int(c.few[at]))
		}
	}
	c.few = append(c.few, make([]uint16, longest+kernel.ListRoom)...)
	for _, code := range book.codes {
		c.place[code]--
	}
	return c
}

// fewest is the list at the complement of place, a negative number, without the
// codes that others outdo.
func (c *coder) fewest(place int32) []uint16 {
	start := int(^place)
	return c.few[start+1:][:c.few[start]]
}

// whole is what near has for the complement of place.
func (c *coder) whole(place int32) []uint16 {
	at := c.few[int(^place):]
	at = at[1+int(at[0]):]
	return c.near[int(at[0])|int(at[1])<<16:]
}

// neighbours is the list at the complement of place.
func (c *coder) neighbours(place int32) []uint16 {
	list := c.whole(place)
	return list[1:][:list[0]]
}

// planes is what a kernel reads of the list at the complement of place.
func (c *coder) planes(place int32) []uint16 {
	list := c.whole(place)
	return list[1+int(list[0]):]
}

// A ruler measures squared distances from one point to every code of a book.
// It looks up the distances of the lower and of the upper half of the levels.
type ruler struct {
	codes  []uint16
	half   int      // bits in half a code
	table  []uint8  // squared distance of two half codes
	steps  []uint32 // distances of their levels, in four bits each
	length []uint8  // of each code from the point measured last
	shift  int      // where the distances of the upper half begin
	few    []fewCode
}

func newRuler(book *codebook, l lattice) *ruler {
	half := l.dims / 2 * l.bits
	r := &ruler{codes: book.codes, half: half, length: make([]uint8, len(book.codes)), shift: 2 * l.dims}
	r.table, r.steps = make([]uint8, 1<<(2*half)), make([]uint32, 1<<(2*half))
	for i := range r.table {
		a, b := i&(1<<half-1), i>>half
		var sum int
		for shift := 0; shift < half; shift += l.bits {
			d := a>>shift&(1<<l.bits-1) - b>>shift&(1<<l.bits-1)
			sum += d * d
			r.steps[i] |= uint32(max(d, -d)) << (shift / l.bits * 4)
		}
		r.table[i] = uint8(sum)
	}
	return r
}

// appendFew appends a list around a point, after its length, without the codes that
// others outdo. A code outdoes another that is farther from the point in all levels in
// which they differ: whatever the weights, and in whatever order sums are rounded,
// it is not farther from values that the point is nearest to.
func (r *ruler) appendFew(to []uint16, point uint16, list []uint16) []uint16 {
	r.few = r.few[:0]
	start := len(to)
	to = append(to, 0)
candidates:
	for _, code := range list {
		levels, steps := r.each(0, code), r.each(point, code)
		for _, c := range r.few {
			differ := (c.levels ^ levels) + 7*eachLevel
			if differ&^((steps|8*eachLevel)-c.steps-eachLevel)&(8*eachLevel) == 0 {
				continue candidates
			}
		}
		r.few = append(r.few, fewCode{levels, steps})
		to = append(to, code)
	}
	to[start] = uint16(len(r.few))
	return to
}

// eachLevel is one in each of the four bits that a level has.
const eachLevel = 0x11111111

// A fewCode has the levels of a code and their distances from a point.
type fewCode struct{ levels, steps uint32 }

// each has the distances of the levels of two codes.
func (r *ruler) each(a, b uint16) uint32 {
	mask := 1<<r.half - 1
	low, high := r.steps[int(a)&mask<<r.half|int(b)&mask], r.steps[int(a)>>r.half<<r.half|int(b)>>r.half]
	return low | high<<r.shift
}

// appendShells appends the number of codes in the nearest shells around a
// point, then those codes. A shell is all codes at one distance.
func (r *ruler) appendShells(list []uint16, point uint16, shells int) []uint16 {
	mask := uint16(1)<<r.half - 1
	low := r.table[int(point&mask)<<r.half:][:1<<r.half]
	high := r.table[int(point>>r.half)<<r.half:][:1<<r.half]
	var count [maxDistance]int // codes at a distance
	for j, code := range r.codes {
		d := low[code&mask] + high[code>>r.half]
		r.length[j] = d
		count[d]++
	}
	var next [maxDistance]int // place in the list of the next code at a distance
	size, limit := 0, 0
	for ; shells > 0; limit++ {
		next[limit] = size
		if size += count[limit]; count[limit] > 0 {
			shells--
		}
	}
	list = append(list, uint16(size))
	list = slices.Grow(list, size)
	shell := list[len(list):][:size]
	for j, d := range r.length {
		if int(d) < limit {
			shell[next[d]] = r.codes[j]
			next[d]++
		}
	}
	return list[:len(list)+size]
}
