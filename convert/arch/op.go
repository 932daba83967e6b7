package arch

// Op names a transform of package transform with its arguments. Rows of a
// source tensor with the same Source and different Target each take a part.
type Op struct {
	Kind  OpKind
	Heads HeadCount // whose heads the rows belong to
	Part  int       // which part of a split
}

// OpKind enumerates the transforms.
type OpKind uint8

// The transforms. Shapes are written outermost dimension first, as in the
// checkpoint.
const (
	Copy        OpKind = iota
	RopePermute        // [H·D, …]: rows of a head from half-split to interleaved pairs
)

// HeadCount selects which number of heads a transform works with.
type HeadCount uint8

// The head counts.
const (
	NoHeads HeadCount = iota
	QueryHeads
	KVHeads
)

// Of returns the number of heads that c selects.
func (c HeadCount) Of(h Hyper) int {
	switch c {
	case QueryHeads:
		return h.Heads
	case KVHeads:
		return h.KVHeads
	}
	return 0
}
