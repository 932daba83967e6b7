package block

import (
	"math/bits"

	"github.com/f190792d/mq/quantize/kernel"
)

// A gridSearch is the scratch space of one super-block, reused along a row.
// Groups are counted by g, tried scales by t.
type gridSearch struct {
	*gridFormat
	book   *coder
	stored int // sub-blocks of the super-block that are not zero, so far
	values gridValues
	signed kernel.Signed
	lanes  kernel.Scratch
	// Of the sub-block in turn: magnitudes, their weights w and √w, signs, the
	// greatest magnitude with its sign and without, a first scale.
	x, w, root        []float32
	signs             []uint8
	top, reach, first float32
	at                int // its values
	*subBlock
	blocks     [superLen / 16]subBlock // of a super-block
	last       int                     // number of the last of them
	spread     [superLen / 16]kernel.Tries
	rows       [maxGroups]kernel.Row // codes of groups at all tries
	numerators kernel.Numerators     // what tries make of the limit
	lines      lines
	grid       kernel.Grid
	questions  kernel.Questions
	askedBy    [kernel.MaxQuestions]asker
	once       kernel.Tries // the scale for which codes are chosen again
	chosen     kernel.Row   // and a code
	lx, ll     [8]terms     // of Σw·l·x and Σw·l²
	sumX       [kernel.MaxTries]float32
	sumL       [kernel.MaxTries]float32
}

// maxGroups is how many groups a super-block has at most.
const maxGroups = superLen / 4

// A subBlock is what the search knows of one, beside its values.
type subBlock struct {
	number  int          // of this one
	group   int          // number of the first group
	tried   []kernel.Row // codes at all tries
	tries   *kernel.Tries
	density float32 // tries per unit of the inverse scale
	open    bool    // there is something to store
	kernels bool    // chose the codes of the tries
	again   uint8   // groups whose codes are chosen again
	asked   uint8   // and of which kernels choose them
	winner  int     // try, or -1
	scale   float32
	codes   [8]uint16 // the result
	before  [8]uint16 // codes of the winner
	outside [8]uint32 // bit t: the point of the group at try t is not in the book
	apart   [8]uint32 // bit t: the code at try t may not be that of try t-1; see takeTries
}

// fit chooses codes and scales for n sub-blocks from the first one on, but for what result
// adds. What kernels answer is asked of all sub-blocks together.
func (s *gridSearch) fit(first, n int) {
	at, end := first*s.size, (first+n)*s.size
	x, w, root := s.values.magnitude[at:end], s.values.weight[at:end], s.values.root[at:end]
	ternary, tries, rows := s.dims == 8, 2*s.span+1, s.rows[:(end-at)/s.dims]
	for j := range n {
		s.turnTo(first + j)
		s.start()
		s.kernels = s.open && kernel.HasGrid() && s.wellScaled(s.tries, tries)
	}
	if kernel.HasGrid() {
		s.grid.Round(ternary, x, root, s.spread[:n], tries)
		s.grid.Try(ternary, x, root, s.spread[:n], tries, rows, s.book.points, s.book.few)
	}
	for j := range n {
		s.turnTo(first + j)
		if s.open {
			s.tryCodes(tries)
		}
	}
	s.answer(x, root)
	if kernel.HasGrid() {
		s.grid.Sum(ternary, x, w, rows, n, tries)
	}
	for j := range n {
		s.turnTo(first + j)
		if s.open {
			s.choose()
		}
	}
	s.answer(x, root)
}

// start spreads the tries of a sub-block, if there is anything to store.
func (s *gridSearch) start() {
	limit := s.top
	s.open = false
	if limit < s.tiny || limit == 0 {
		return
	}
	if s.positive != nil {
		s.scale = s.first
		limit = s.scale * float32(s.levels)
		if limit <= 0 {
			return
		}
	} else {
		s.scale = limit / float32(2*s.levels-1)
	}
	s.open = true
	s.tries.Spread(&s.numerators, 2*s.span+1, limit)
	s.density = limit / s.step
}

// choose takes the codes of the best try, and chooses or asks for those that its scale
// calls for.
func (s *gridSearch) choose() {
	n := 2*s.span + 1
	if !kernel.HasGrid() {
		s.turnValues()
	}
	s.winner, s.scale = s.bestTry(n, s.scale)
	s.again, s.asked = s.take(s.winner), 0
	if s.again != 0 && s.scale > 0 {
		s.before = s.codes
		s.chooseAgain(s.again, s.scale)
	} else {
		s.again = 0
	}
}

// result is the scale of the sub-block in turn, whose codes are chosen, and reports
// whether there is anything to store. It is not negative.
func (s *gridSearch) result() (scale float32, ok bool) {
	if !s.open {
		return 0, false
	}
	for set := s.asked; set != 0; set &= set - 1 {
		g := bits.TrailingZeros8(set)
		s.codes[g] = uint16(s.tried[g][again])
	}
	scale = s.scale
	// The same codes have the same sums, which gave the scale.
	if s.again != 0 && (s.winner < 0 || s.codes != s.before) {
		if lx, ll := s.project(); ll > 0 {
			scale = lx / ll
		}
	}
	if scale < 0 {
		scale = -scale
		for k := range s.signs {
			s.signs[k] = ^s.signs[k]
		}
	}
	return scale, true
}

// point rounds group g to the lattice.
func (s *gridSearch) point(g int, inverse float32) (code uint16) {
	for i, v := range s.x[g*s.dims:][:s.dims] {
		code |= uint16(s.level(float32(inverse*v))) << (i * s.bits)
	}
	return code
}

// level rounds v to the nearest odd number 2l+1 and returns l.
func (s *gridSearch) level(v float32) int32 {
	return min(max(nearest(0.5*(float32(v)-1)), 0), int32(s.levels)-1)
}

// nearestOf chooses, of a list, the code with the least weighted squared error
// from group g.
func (s *gridSearch) nearestOf(g int, list []uint16, scale float32) uint16 {
	if s.dims == 8 {
		return nearest8(list, scale, (*[8]float32)(s.x[8*g:]), (*[8]float32)(s.root[8*g:]))
	}
	return nearest4(list, scale, (*[4]float32)(s.x[4*g:]), (*[4]float32)(s.root[4*g:]))
}

// bestTry returns the try whose codes explain most of x and the least-squares
// scale for them, or -1 and the given scale.
func (s *gridSearch) bestTry(n int, scale float32) (int, float32) {
	var best float32
	winner := -1
	lx, ll := s.sums(n)
	set := uint32(1<<n - 1)
	if likely := s.grid.Best(s.number, n); likely != 0 {
		set = likely
	}
	for ; set != 0; set &= set - 1 {
		t := bits.TrailingZeros32(set)
		if lx, ll := lx[t], ll[t]; ll > 0 && float32(lx*lx) > float32(best*ll) {
			winner, scale = t, lx/ll
			best = scale * lx
		}
	}
	return winner, scale
}

// take makes a try the result; -1 stands for codes of zeros. It returns the
// set of groups whose codes are to be chosen again.
func (s *gridSearch) take(t int) (again uint8) {
	clear(s.codes[:])
	if t >= 0 {
		for g := range s.size / s.dims {
			s.codes[g] = uint16(s.tried[g][t])
			again |= uint8(s.outside[g]>>t&1) << g
		}
	}
	switch {
	case s.redo == redoAlways, s.redo == redoAll && (again != 0 || t < 0):
		return s.allGroups()
	}
	return again
}

// chooseAgain chooses the codes of a set of groups for a given scale, or asks for them.
func (s *gridSearch) chooseAgain(set uint8, scale float32) {
	s.once.Inverse[0], s.once.Scale[0] = 1/scale, scale
	if s.kernels {
		set = s.settle(set, 1/scale, scale)
	}
	if set == 0 {
		return
	}
	s.turnValues()
	ask := s.kernels && s.wellScaled(&s.once, 1)
	for ; set != 0; set &= set - 1 {
		g := bits.TrailingZeros8(set)
		if ask && s.askAgain(g, 1/scale, scale) {
			s.asked |= 1 << g
			continue
		}
		s.tryEach(g, 1, &s.once, &s.chosen)
		s.codes[g] = uint16(s.chosen[0])
	}
}

// rank is what a block stores for group g.
func (s *gridSearch) rank(g int) uint32 { return uint32(s.book.place[s.codes[g]]) }
