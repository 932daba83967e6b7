package arch

// Op names a transform of package transform with its arguments.
type Op struct {
	Kind  OpKind
	Heads HeadCount // of RopePermute: whose heads the rows belong to

	Index, Of   int    // of Part, Alternate, Ungroup
	From, Count Dim    // of Slice and Multiply; Count of Fold and PadRows, too
	By          string // of Multiply: see [Hyper.Multiplier]
}

// OpKind enumerates the transforms.
type OpKind uint8

// The transforms. Shapes are written outermost dimension first, as in the
// checkpoint.
const (
	RopePermute      OpKind = iota // [H·D, …]: rows of a head from half-split to interleaved pairs
	Transpose                      // [E, M, N] to [E, N, M]
	LatentKey                      // [H·(P+V), R] to [H, R, P]: the key part of each head, turned
	LatentValue                    // [H·(P+V), R] to [H, V, R]: the value part of each head
	Squeeze                        // drops lengths of 1
	DeltaQKV                       // [G·(q+k+v+z), N]: q of all key heads, then k, then v
	DeltaGate                      // [G·(q+k+v+z), N]: z of all key heads
	TileRows                       // [H·D, …]: value heads from grouped by key head to key heads in turn
	TileTail                       // the same after the rows of queries and keys; drops lengths of 1
	TileColumns                    // the same with columns
	Ungroup                        // [G·(q+k+v), …]: parts Index up to Of of query, key and value, each of all key heads
	Integers                       // whole numbers of any size to those of 32 bits
	Part                           // part Index of Of equal parts of the last dimension but one
	Alternate                      // rows Index, Index+Of … of the last dimension but one
	AlternateColumns               // the same of the last dimension
	Fold                           // [N] to [Count, N/Count]
	Slice                          // Count of the rows, or elements of a vector, from row From on
	Multiply                       // rows, or elements of a vector, From on, Count of them, by a multiplier; all where Count is nil
	PadRows                        // rows of zeros at the end, up to Count of them
	AddOne                         // x + 1
	NegExp                         // -exp(x)
)

// HeadCount selects which number of heads a transform works with.
type HeadCount uint8

// The head counts.
const (
	QueryHeads HeadCount = iota
	KVHeads
)

// Number returns the number of heads that c selects.
func (c HeadCount) Number(h Hyper, layer int) int {
	if c == KVHeads {
		return keyHeads(h, layer)
	}
	return heads(h, layer)
}

// ops lists transforms that need no arguments.
func ops(kinds ...OpKind) []Op {
	list := make([]Op, len(kinds))
	for i, kind := range kinds {
		list[i].Kind = kind
	}
	return list
}

// permuted and unmoved are what happens to the rows of queries or keys.
func permuted(heads HeadCount) []Op { return []Op{{Kind: RopePermute, Heads: heads}} }
func unmoved(HeadCount) []Op        { return nil }

// half keeps the first or the second half, after other transforms.
func half(index int, before ...OpKind) []Op {
	return append(ops(before...), Op{Kind: Part, Index: index, Of: 2})
}

// alternate keeps the first or the second of every two rows or columns.
func alternate(kind OpKind, index int) Op { return Op{Kind: kind, Index: index, Of: 2} }

// slice keeps some of the rows.
func slice(from, count Dim) []Op { return []Op{{Kind: Slice, From: from, Count: count}} }

// times multiplies by one number after the other.
func times(keys ...string) []Op {
	list := make([]Op, len(keys))
	for i, key := range keys {
		list[i] = Op{Kind: Multiply, By: key}
	}
	return list
}

// fold makes a matrix of so many rows of a vector.
func fold(rows Dim) []Op { return []Op{{Kind: Fold, Count: rows}} }

// ungroup undoes the grouping of queries, keys and values by key head: parts
// first up to last of the three, each of all heads.
func ungroup(first, last int) []Op { return []Op{{Kind: Ungroup, Index: first, Of: last}} }

// offset adds what norms of some models are stored without.
var offset = ops(AddOne)
