package arch

// Convention is what checkpoint and file may do differently with the same
// graph. A loader reads its own side's alone.
type Convention struct {
	Rope       RopeStyle // how rotated dimensions pair
	NormOffset float32   // what stored weights of [Norm] and [HeadNorm] lack
	DecayLog   bool      // ssm_a holds a where -exp(a) is meant
	InTurn     bool      // the key heads of a delta network take turns in serving value heads
}

// RopeStyle says which two dimensions of a head rotate together.
type RopeStyle uint8

// The rope styles.
const (
	RopeHalf        RopeStyle = iota // j with j + D/2 (ggml: NEOX)
	RopeInterleaved                  // 2j with 2j + 1 (ggml: NORM)
)

// View says where a checkpoint keeps a matrix or vector of the graph: which
// rows of which tensor. It does not use the converter's operations, so that a
// wrong one shows as a difference.
type View struct {
	Matrix string // template of the tensor of the file
	Source string // template of the tensor of the checkpoint

	// Turned says that the inputs of a matrix lie along the rows: the matrix
	// [rows, columns] is stored as [columns, rows], rows below being columns
	// there.
	Turned bool

	// Rows selects rows of the tensor, in a tensor of all experts those of
	// each: the matrix has those of the first set in order, then those of the
	// next. nil selects all.
	Rows func(h Hyper, layer int) []RowSet

	// Times is what the model multiplies the results of a row with, or its
	// inputs; nil: nothing.
	Times func(h Hyper, layer, row int) float64
}

// RowSet selects row r where r mod Period lies in [First, First+Count).
type RowSet struct{ Period, First, Count int }

// groupedRows selects parts first up to last of the queries, keys and values that
// a tensor groups by key head.
func groupedRows(first, last int) func(Hyper, int) []RowSet {
	return func(h Hyper, _ int) []RowSet {
		parts := []int{h.Heads / h.KVHeads * h.HeadDim, h.HeadDim, h.ValueDim}
		at, sets := 0, []RowSet(nil)
		for i, n := range parts {
			if i >= first && i < last {
				sets = append(sets, RowSet{parts[0] + parts[1] + parts[2], at, n})
			}
			at += n
		}
		return sets
	}
}

// upperHalf and lowerHalf are the gate and up projection of a matrix of both.
func upperHalf(width Dim) func(Hyper, int) []RowSet {
	return func(h Hyper, layer int) []RowSet { n := width(h, layer); return []RowSet{{2 * n, 0, n}} }
}

func lowerHalf(width Dim) func(Hyper, int) []RowSet {
	return func(h Hyper, layer int) []RowSet { n := width(h, layer); return []RowSet{{2 * n, n, n}} }
}

// groupedViews are the queries, keys and values of a matrix that groups them by
// key head, and of its bias.
func groupedViews(source string) []View {
	return []View{
		{Matrix: "blk.{i}.attn_qkv.weight", Source: source + ".weight", Rows: groupedRows(0, 3)},
		{Matrix: "blk.{i}.attn_qkv.bias", Source: source + ".bias", Rows: groupedRows(0, 3)},
	}
}
