package arch

// The lengths that shapes are made of.
func one(Hyper) int        { return 1 }
func vocab(h Hyper) int    { return h.Vocab }
func embed(h Hyper) int    { return h.Embed }
func ff(h Hyper) int       { return h.FF }
func headDim(h Hyper) int  { return h.HeadDim }
func qRows(h Hyper) int    { return h.Heads * h.HeadDim }
func kRows(h Hyper) int    { return h.KVHeads * h.HeadDim }
func vRows(h Hyper) int    { return h.KVHeads * h.ValueDim }
func oCols(h Hyper) int    { return h.Heads * h.ValueDim }
func experts(h Hyper) int  { return h.MoE.Experts }
func expertFF(h Hyper) int { return h.MoE.FF }
func sharedFF(h Hyper) int { return h.MoE.SharedFF }

// The lengths of multi-head latent attention.
func queryRank(h Hyper) int  { return h.MLA.QueryRank }
func kvRank(h Hyper) int     { return h.MLA.KVRank }
func kvAndRope(h Hyper) int  { return h.MLA.KVRank + h.Rope.Dim }
func kvHeadRows(h Hyper) int { return h.Heads * (h.MLA.NopeDim + h.ValueDim) }

func twice(d Dim) Dim { return func(h Hyper) int { return 2 * d(h) } }
