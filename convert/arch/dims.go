package arch

// The lengths that shapes are made of.
func vocab(h Hyper) int { return h.Vocab }
func embed(h Hyper) int { return h.Embed }
func ff(h Hyper) int    { return h.FF }
func qRows(h Hyper) int { return h.Heads * h.HeadDim }
func kRows(h Hyper) int { return h.KVHeads * h.HeadDim }
func vRows(h Hyper) int { return h.KVHeads * h.ValueDim }
func oCols(h Hyper) int { return h.Heads * h.ValueDim }
