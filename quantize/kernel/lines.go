package kernel

// maxLines is the length of the longest list that Lines takes.
const maxLines = 2048

// Lines compares codes of a list at many scales s: Σw(s·q-x)² compares like
// the line s·Σwq² - Σ2wqx, where level l of a code stands for q = 2l+1. Codes
// are those of Near.
//
// The assembly knows the order of the fields.
type Lines struct {
	tables [2][8][8]float32
	list   [2][maxLines]float32 //nolint:unused // the assembly writes and reads it

	// Lowest is the number in the list of the first of the lowest lines at
	// each scale, and Sure is not 0 where it is lower than all others by more
	// than the slack.
	Lowest, Sure [32]uint32
}

type (
	linesKernel  func(l, x, w *float32)
	lowestKernel func(l *float32, list *uint16, n int, scales *float32, eights int, slack float32)
)

// HasLines reports whether there are kernels for Lines.
func HasLines() bool { return active.linesTernary != nil }

// Set takes the values of a group and their weights.
func (l *Lines) Set(ternary bool, x, w []float32) {
	set, values := active.linesOctal, 4
	if ternary {
		set, values = active.linesTernary, 8
	}
	_, _ = x[values-1], w[values-1]
	set(&l.tables[0][0][0], &x[0], &w[0])
}

// Find compares the codes of a list of n, which holds 7 more of any kind, at
// up to 32 scales, which are followed by up to 7 of any kind. It returns
// false where the list is too long.
func (l *Lines) Find(ternary bool, list []uint16, n int, scales []float32, count int, slack float32) bool {
	find := active.lowestOctal
	if ternary {
		find = active.lowestTernary
	}
	eights := (count + 7) / 8
	if n > maxLines || n == 0 {
		return false
	}
	_, _ = list[(n+7)&^7-1], scales[8*eights-1]
	find(&l.tables[0][0][0], &list[0], n, &scales[0], eights, slack)
	return true
}
