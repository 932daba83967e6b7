package arch

// Dim is one length of the shape that a tensor has in a layer.
type Dim func(h Hyper, layer int) int

// Where reports whether a layer has a tensor.
type Where func(h Hyper, layer int) bool

// The lengths that shapes are made of.
func zero(Hyper, int) int          { return 0 }
func one(Hyper, int) int           { return 1 }
func vocab(h Hyper, _ int) int     { return h.Vocab }
func embed(h Hyper, _ int) int     { return h.Embed }
func ff(h Hyper, _ int) int        { return h.FF }
func heads(h Hyper, _ int) int     { return h.Heads }
func keyHeads(h Hyper, _ int) int  { return h.KVHeads }
func positions(h Hyper, _ int) int { return h.Context }
func headDim(h Hyper, _ int) int   { return h.HeadDim }
func qRows(h Hyper, _ int) int     { return h.Heads * h.HeadDim }
func kRows(h Hyper, _ int) int     { return h.KVHeads * h.HeadDim }
func vRows(h Hyper, _ int) int     { return h.KVHeads * h.ValueDim }
func qkvRows(h Hyper, l int) int   { return qRows(h, l) + kRows(h, l) + vRows(h, l) }
func oCols(h Hyper, _ int) int     { return h.Heads * h.ValueDim }
func experts(h Hyper, _ int) int   { return h.MoE.Experts }
func expertFF(h Hyper, _ int) int  { return h.MoE.FF }
func sharedFF(h Hyper, _ int) int  { return h.MoE.SharedFF }

// The lengths of multi-head latent attention.
func queryRank(h Hyper, _ int) int  { return h.MLA.QueryRank }
func kvRank(h Hyper, _ int) int     { return h.MLA.KVRank }
func kvAndRope(h Hyper, _ int) int  { return h.MLA.KVRank + h.Rope.Dim }
func kvHeadRows(h Hyper, _ int) int { return h.Heads * (h.MLA.NopeDim + h.ValueDim) }

// The lengths of the indexer of sparse attention.
func indexHeads(h Hyper, _ int) int { return h.Index.Heads }
func indexDim(h Hyper, _ int) int   { return h.Index.Dim }
func indexRows(h Hyper, _ int) int  { return h.Index.Heads * h.Index.Dim }

func twice(d Dim) Dim { return func(h Hyper, layer int) int { return 2 * d(h, layer) } }

// sparse and dense select the layers with experts and those without.
func sparse(h Hyper, layer int) bool { return h.MoE.In(layer) }
func dense(h Hyper, layer int) bool  { return !h.MoE.In(layer) }
