package arch

// Op names a transform of package transform with its arguments.
type Op struct {
	Kind  OpKind
	Heads HeadCount // whose heads the rows belong to
	Map   MapKind   // arithmetic on every element of the result

	// Of the result, part Part of Parts equal parts of the last dimension but
	// one is kept; everything where Parts is 0.
	Part, Parts int
}

// OpKind enumerates the transforms.
type OpKind uint8

// The transforms. Shapes are written outermost dimension first, as in the
// checkpoint.
const (
	Copy        OpKind = iota
	RopePermute        // [H·D, …]: rows of a head from half-split to interleaved pairs
	Transpose          // [E, M, N] to [E, N, M]
	LatentKey          // [H·(P+V), R] to [H, R, P]: the key part of each head, turned
	LatentValue        // [H·(P+V), R] to [H, V, R]: the value part of each head
	Squeeze            // drops lengths of 1
	DeltaQKV           // [G·(q+k+v+z), N]: q of all key heads, then k, then v
	DeltaGate          // [G·(q+k+v+z), N]: z of all key heads
	TileRows           // [H·D, …]: value heads from grouped by key head to key heads in turn
	TileTail           // the same behind the rows of queries and keys; drops lengths of 1
	TileColumns        // the same with columns
	Words              // the rows of the vocabulary, without those behind
	Integers           // whole numbers of any size to those of 32 bits
)

// MapKind enumerates the arithmetic on elements.
type MapKind uint8

// The maps.
const (
	Keep   MapKind = iota
	AddOne         // x + 1
	NegExp         // -exp(x)
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
