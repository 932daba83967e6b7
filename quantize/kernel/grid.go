package kernel

// MaxTries is the most scales at which codes are tried.
const MaxTries = 31

// ListRoom is how many codes beyond the longest list a kernel reads.
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

// MaxBlocks is how many sub-blocks a Grid takes, and MaxGroups how many groups.
const (
	MaxBlocks = 16
	MaxGroups = 64
)

// A Row has the code of a group at each try, and room after them.
type Row [MaxTries + 1 + room]uint32

// A Grid chooses codes of a codebook for groups of values at many scales. A
// code has one of three levels for each of eight values, in two bits each
// (ternary), or one of eight for each of four, in three bits; level l stands
// for 2l+1.
//
// The assembly knows the order of the fields.
type Grid struct {
	tables [2][8][8]float32           //nolint:unused,nolintlint // the assembly writes and reads it
	slack  [8]float32                 //nolint:unused,nolintlint
	state  [8]uint64                  //nolint:unused,nolintlint
	lists  [5][maxLines + room]uint32 //nolint:unused,nolintlint
	slacks [MaxGroups]float32
	sets   [MaxGroups]TrySets
	points [MaxGroups][MaxTries + 1]uint16
	sums   [MaxBlocks][3][MaxTries + 1]float32 // and scores
	best   [MaxBlocks]uint32
}

type (
	roundGroups func(x, w, tries *float32, n, octets, blocks int, sets *uint32, slacks *float32, rounded *uint16)
	tryKernel   func(grid, x, w, tries *float32, n, each, blocks int, sets *uint32, slacks *float32, rounded *uint16, codes *uint32, points *int32, few *uint16)
	sumKernel   func(x, w *float32, codes *uint32, groups, blocks int, sums *float32)
)

// HasGrid reports whether there are kernels for a Grid.
func HasGrid() bool { return active.try[0] != nil }

// Round rounds the groups of sub-blocks, each of which has tries of its own, to the lattice at
// the first n scales. The number of a point has a digit for each level, the first the
// lowest.
//
// What becomes of a sub-block whose numbers are so large that sums overflow is open.
func (g *Grid) Round(ternary bool, x, w []float32, tries []Tries, n int) {
	round := active.round[1]
	if ternary {
		round = active.round[0]
	}
	octets := len(x) / len(tries) / 8
	_, _ = w[len(x)-1], g.best[len(tries)-1]
	round(&x[0], &w[0], &tries[0].Inverse[0], n, octets, len(tries), &g.sets[0].Outside, &g.slacks[0], &g.points[0][0])
}

// Try replaces points of groups that were rounded and are not in the codebook by the code of
// their list with the least Σw(scale·q-x)². points has, for each point, the code, or the
// complement of where in few its list begins, after its length; as many as the longest list
// has and ListRoom more follow the last one. Tries reports what became of a group.
func (g *Grid) Try(ternary bool, x, w []float32, tries []Tries, n int, codes []Row, points []int32, few []uint16) {
	try, values, count := active.try[1], 4, 1<<12
	if ternary {
		try, values, count = active.try[0], 8, 6561
	}
	groups := len(x) / values
	_, _, _, _ = w[len(x)-1], points[count-1], codes[groups-1], g.sets[groups-1]
	try(&g.tables[0][0][0], &x[0], &w[0], &tries[0].Inverse[0], n, groups/len(tries), len(tries), &g.sets[0].Outside, &g.slacks[0], &g.points[0][0], &codes[0][0], &points[0], &few[0])
}

// TrySets are the sets of tries of a group whose points are outside of the
// codebook; whose points rounding errors may decide, so that neither point nor code is known;
// whose point is not that of the try before; and whose codes rounding errors may
// decide.
type TrySets struct{ Outside, Edges, Starts, Doubts uint32 }

// Tries returns the sets of tries of a group.
func (g *Grid) Tries(group int) TrySets { return g.sets[group] }

// Point returns the number of the point of a group at a try.
func (g *Grid) Point(group, try int) uint16 { return g.points[group][try] }

// Sum adds, for n tries of sub-blocks, Σw·q·x and Σw·q² of the codes of all groups, in
// order. It knows up to 24 tries of ternary codes.
func (g *Grid) Sum(ternary bool, x, w []float32, codes []Row, blocks, n int) {
	sum, values := active.sumOctal[1], 4
	switch {
	case ternary && n <= 16:
		sum, values = active.sumTernary[0], 8
	case ternary:
		sum, values = active.sumTernary[1], 8
	case n <= 24:
		sum = active.sumOctal[0]
	}
	groups := len(x) / values
	_, _, _ = w[len(x)-1], codes[groups-1], g.best[blocks-1]
	sum(&x[0], &w[0], &codes[0][0], groups/blocks, blocks, &g.sums[0][0][0])
	active.bestTries(&g.sums[0][0][0], n, blocks, &g.best[0])
}

// Sums returns the sums of a sub-block.
func (g *Grid) Sums(block, n int) (lx, ll []float32) {
	s := &g.sums[block]
	return s[0][:n], s[1][:n]
}

// Best returns, of n tries of a sub-block, the set of those whose lx²/ll may be the greatest: all
// others are less by far more than rounding errors. It is empty where that is not known.
func (g *Grid) Best(block, n int) uint32 { return g.best[block] & (1<<n - 1) }
