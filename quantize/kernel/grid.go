package kernel

import "math/bits"

// MaxTries is the most scales at which codes are tried.
const MaxTries = 31

// ListRoom is how many codes beyond a list a kernel reads.
const ListRoom = 16

// room is how many floats beyond the last one a kernel reads and writes.
const room = 8

// maxLines is the length of the longest list of neighbours: no codebook is
// larger.
const maxLines = 2048 //nolint:unused // it is the length of a field for the assembly

// Tries are the scales at which codes are tried, in falling order, and their
// inverses. What follows the last one may be anything.
//
// The assembly knows the order of the fields.
type Tries struct{ Inverse, Scale [MaxTries + 1 + room]float32 }

// Numerators are what tries make of the greatest magnitude.
type Numerators [MaxTries + 1]float32

// Spread sets the first n tries, at most as many as there are numerators:
// inverse scales are numerators divided by the limit.
func (t *Tries) Spread(numerators *Numerators, n int, limit float32) {
	if active.spreadTries != nil {
		active.spreadTries(&t.Inverse[0], &numerators[0], (n+7)/8, limit)
		return
	}
	for i, top := range numerators[:n] {
		t.Inverse[i] = top / limit
		t.Scale[i] = 1 / t.Inverse[i]
	}
}

// A Row has the code of a group at each try, and room after them.
type Row [MaxTries + 1 + room]uint32

// A Grid chooses codes of a codebook for groups of values at many scales. A
// code has one of three levels for each of eight values, in two bits each
// (ternary), or one of eight for each of four, in three bits; level l stands
// for 2l+1.
//
// The assembly knows the order of the fields.
type Grid struct {
	tables [2][8][8]float32 //nolint:unused,nolintlint // the assembly writes and reads it
	slack  [8]float32       //nolint:unused,nolintlint
	slacks [8]float32       //nolint:unused,nolintlint
	open   [4]uint64        //nolint:unused,nolintlint
	sets   [8]TrySets
	groups [2]uint64                  //nolint:unused,nolintlint
	points [MaxTries + 1]uint16       //nolint:unused,nolintlint
	lists  [5][maxLines + room]uint32 //nolint:unused,nolintlint
	sums   [3][MaxTries + 1]float32   // and scores
}

type (
	tryKernel func(grid, x, w, tries *float32, n, octets, set int, codes *uint32, points *int32, few *uint16)
	sumKernel func(x, w *float32, codes *uint32, groups int, sums *float32)
)

// HasGrid reports whether there are kernels for a Grid.
func HasGrid() bool { return active.tryTernary != nil }

// Try rounds a set of groups to the lattice at the first n scales, and replaces
// points that are not in the codebook by the code of their list with the least
// Σw(scale·q-x)². points has, for each point, the code, or the complement of where
// in few its list begins, after its length; at least ListRoom more follow the
// last list. The number of a point has a digit for each level, the first the
// lowest. Tries reports what became of a group.
//
// The numbers must not be so large that sums overflow.
func (g *Grid) Try(ternary bool, x, w []float32, tries *Tries, n int, set uint8, codes []Row, points []int32, few []uint16) {
	try, values, count := active.tryOctal, 4, 1<<12
	if ternary {
		try, values, count = active.tryTernary, 8, 6561
	}
	last := bits.Len8(set) - 1
	if last < 0 {
		return
	}
	_, _, _, _ = x[(last+1)*values-1], w[len(x)-1], points[count-1], codes[last]
	try(&g.tables[0][0][0], &x[0], &w[0], &tries.Inverse[0], n, len(x)/8, int(set), &codes[0][0], &points[0], &few[0])
}

// TrySets are the sets of tries of a group whose points are outside of the
// codebook, of the tries whose point or code rounding errors may decide, so that
// neither is known, and of the tries whose point is not that of the try before.
type TrySets struct {
	Outside, Unsure, Starts uint32

	_ uint32
}

// Tries returns the sets of tries of a group.
func (g *Grid) Tries(group int) TrySets { return g.sets[group] }

// Sum returns, for n tries, Σw·q·x and Σw·q² of the codes of all groups, added
// in order. It knows up to 24 tries of ternary codes.
func (g *Grid) Sum(ternary bool, x, w []float32, codes []Row, n int) (lx, ll []float32) {
	sum, values := active.sumOctal[1], 4
	switch {
	case ternary && n <= 16:
		sum, values = active.sumTernary[0], 8
	case ternary:
		sum, values = active.sumTernary[1], 8
	case n <= 24:
		sum = active.sumOctal[0]
	}
	_, _ = x[values*len(codes)-1], w[values*len(codes)-1]
	sum(&x[0], &w[0], &codes[0][0], len(codes), &g.sums[0][0])
	return g.sums[0][:n], g.sums[1][:n]
}

// Best returns, of n tries whose sums were returned last, the set of those whose
// lx²/ll may be the greatest: all others are less by far more than rounding errors.
// It is empty where that is not known.
func (g *Grid) Best(n int) uint32 {
	if active.bestTries == nil {
		return 0
	}
	return active.bestTries(&g.sums[0][0], n) & (1<<n - 1)
}
