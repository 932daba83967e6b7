package arch

// The lengths that shapes are made of.
func one(Hyper, int) int           { return 1 }
func vocab(h Hyper, _ int) int     { return h.Vocab }
func embed(h Hyper, _ int) int     { return h.Embed }
func ff(h Hyper, _ int) int        { return h.FF }
func keyHeads(h Hyper, _ int) int  { return h.KVHeads }
func positions(h Hyper, _ int) int { return h.Context }
func headDim(h Hyper, _ int) int   { return h.HeadDim }
func qRows(h Hyper, _ int) int     { return h.Heads * h.HeadDim }
func kRows(h Hyper, _ int) int     { return h.KVHeads * h.HeadDim }
func vRows(h Hyper, _ int) int     { return h.KVHeads * h.ValueDim }
func oCols(h Hyper, _ int) int     { return h.Heads * h.ValueDim }
func experts(h Hyper, _ int) int   { return h.MoE.Experts }
func expertFF(h Hyper, _ int) int  { return h.MoE.FF }
func sharedFF(h Hyper, _ int) int  { return h.MoE.SharedFF }

// The lengths of multi-head latent attention.
func queryRank(h Hyper, _ int) int  { return h.MLA.QueryRank }
func kvRank(h Hyper, _ int) int     { return h.MLA.KVRank }
func kvAndRope(h Hyper, _ int) int  { return h.MLA.KVRank + h.Rope.Dim }
func kvHeadRows(h Hyper, _ int) int { return h.Heads * (h.MLA.NopeDim + h.ValueDim) }

func twice(d Dim) Dim { return func(h Hyper, layer int) int { return 2 * d(h, layer) } }
