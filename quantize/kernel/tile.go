package kernel

// Lanes is the number of groups that are searched side by side.
const Lanes = 32

// MaxLen is the largest number of values of a group.
const MaxLen = 32

// half is the number of lanes that a kernel works on at a time, at least.
const half = Lanes / 2

// A Tile holds one value for each of up to MaxLen positions of Lanes groups:
// value i of group j is at i·Lanes + j.
type Tile [MaxLen * Lanes]float32

// Each has one value for each group of a Tile.
type Each [Lanes]float32

// A Scratch holds up to Lanes groups of values side by side, their weights,
// and what searches find. It is large: keep it off the stack and use it again.
//
// The assembly knows the order of the fields.
type Scratch struct {
	X, W, L Tile    // values, weights, levels
	memory  [2]Tile // of loading, and of a search in assembly

	Scale   Each // as the search in question defines it
	Offset  Each
	Inverse Each
	From    Each

	Variance Each     // for the weighing Given
	Sum      Each     // of the weights, from that weighing
	_        [16]Each // more memory of a search in assembly

	groups int
}

// Load takes groups of n values from x, n a multiple of 8: group j is
// x[j·n:][:n]. What lies beyond Lanes groups is ignored.
func (s *Scratch) Load(x []float32, n int) {
	s.groups = min(Lanes, len(x)/n)
	s.load(&s.X, x, n)
}

// LoadSome is Load of the groups of 16 values of these numbers, at most Lanes.
func (s *Scratch) LoadSome(x []float32, groups []uint8) {
	for i, g := range groups {
		*(*[16]float32)(s.W[i*16:]) = [16]float32(x[int(g)*16:])
	}
	s.Load(s.W[:len(groups)*16], 16)
}

// LoadWeights fills the weights as Load fills the values.
func (s *Scratch) LoadWeights(w []float32, n int) { s.load(&s.W, w, n) }

func (s *Scratch) load(t *Tile, x []float32, n int) { t.load(x, n, s.groups, &s.memory[0]) }

// load puts groups of n values into lanes; tail is memory for those that are not full.
func (t *Tile) load(x []float32, n, groups int, tail *Tile) {
	halves := (groups + half - 1) / half
	if need := halves * half * n; len(x) < need {
		copy(tail[:need], x)
		clear(tail[len(x):need])
		x = tail[:need]
	}
	if active.load != nil {
		active.load(&t[0], &x[0], halves, n)
		return
	}
	for j := range groups {
		for i, v := range x[j*n:][:n] {
			t[i*Lanes+j] = v
		}
	}
}

// column copies group j of a tile to dst.
func (t *Tile) column(dst []float32, j int) []float32 {
	for i := range dst {
		dst[i] = t[i*Lanes+j]
	}
	return dst
}
