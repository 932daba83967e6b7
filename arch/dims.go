package arch

// Dim is one length of the shape that a tensor has in a layer.
type Dim func(h Hyper, layer int) int

// Where reports whether a layer has a tensor.
type Where func(h Hyper, layer int) bool

// The lengths that shapes are made of.
func zero(Hyper, int) int           { return 0 }
func one(Hyper, int) int            { return 1 }
func vocab(h Hyper, _ int) int      { return h.Vocab }
func tokenTypes(h Hyper, _ int) int { return h.TokenTypes }
func embed(h Hyper, _ int) int      { return h.Embed }
func ff(h Hyper, l int) int         { return sizeOf(h.ByLayer.FF, l, h.FF) }
func heads(h Hyper, l int) int      { return sizeOf(h.ByLayer.Heads, l, h.Heads) }
func keyHeads(h Hyper, l int) int   { return sizeOf(h.ByLayer.KVHeads, l, h.KVHeads) }
func positions(h Hyper, _ int) int  { return h.Context }
func qRows(h Hyper, l int) int      { return heads(h, l) * headDim(h, l) }
func kRows(h Hyper, l int) int      { return keyHeads(h, l) * headDim(h, l) }
func vRows(h Hyper, l int) int      { return keyHeads(h, l) * valueDim(h, l) }
func qkvRows(h Hyper, l int) int    { return qRows(h, l) + kRows(h, l) + vRows(h, l) }
func oCols(h Hyper, l int) int      { return heads(h, l) * valueDim(h, l) }
func experts(h Hyper, _ int) int    { return h.MoE.Experts }
func expertFF(h Hyper, _ int) int   { return h.MoE.FF }
func sharedFF(h Hyper, _ int) int   { return h.MoE.SharedFF }

// headDim and valueDim are smaller or larger in layers with a window in some
// models.
func headDim(h Hyper, layer int) int  { return h.localOr(layer, h.HeadDim) }
func valueDim(h Hyper, layer int) int { return h.localOr(layer, h.ValueDim) }

func (h Hyper) localOr(layer, otherwise int) int {
	if h.LocalDim > 0 && at(h.Meaning.Sliding, layer, false) {
		return h.LocalDim
	}
	return otherwise
}

// The lengths of multi-head latent attention.
func queryRank(h Hyper, _ int) int  { return h.MLA.QueryRank }
func kvRank(h Hyper, _ int) int     { return h.MLA.KVRank }
func kvAndRope(h Hyper, _ int) int  { return h.MLA.KVRank + h.Rope.Dim }
func kvHeadRows(h Hyper, _ int) int { return h.Heads * (h.MLA.NopeDim + h.ValueDim) }

// The lengths of the indexer of sparse attention.
func indexHeads(h Hyper, _ int) int { return h.Index.Heads }
func indexDim(h Hyper, _ int) int   { return h.Index.Dim }
func indexRows(h Hyper, _ int) int  { return h.Index.Heads * h.Index.Dim }

func twice(d Dim) Dim  { return func(h Hyper, layer int) int { return 2 * d(h, layer) } }
func triple(d Dim) Dim { return func(h Hyper, layer int) int { return 3 * d(h, layer) } }

// sparse and dense select the layers with experts and those without.
func sparse(h Hyper, layer int) bool { return h.MoE.In(layer) }
func dense(h Hyper, layer int) bool  { return !h.MoE.In(layer) }

// tied is of a model whose output matrix is the embedding.
func tied(h Hyper, _ int) bool { return h.Tied }

// keyless and keyed select the layers without attention and those with it.
func keyless(h Hyper, layer int) bool { return at(h.Keyless, layer, false) }
func keyed(h Hyper, layer int) bool   { return !keyless(h, layer) }
