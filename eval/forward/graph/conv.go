package graph

// conv is a causal convolution over time, each channel by itself.
type conv struct {
	width  int
	weight []float32 // [channels, width]
	bias   []float32 // nil: none
}

// run filters the channels of a batch, [n, channels]. The inputs that the next
// tokens need stay in the state.
func (c *conv) run(r *run, layer int, in, out []float32, channels int) error {
	before := c.width - 1
	for _, s := range r.spans {
		st := s.kept(layer)
		st.conv = blank(st.conv, s, before*channels)
		at := func(t int) []float32 {
			if t < 0 {
				return st.conv[(t+before)*channels:][:channels]
			}
			return in[(s.first+t)*channels:][:channels]
		}
		err := r.perRow(s.tokens, func(t int) {
			to := out[(s.first+t)*channels:][:channels]
			clear(to)
			copy(to, c.bias)
			for j := range c.width {
				for k, v := range at(t - before + j) {
					to[k] += float32(c.weight[k*c.width+j] * v)
				}
			}
		})
		if err != nil {
			return err
		}
		kept := make([]float32, before*channels)
		for j := range before {
			copy(kept[j*channels:], at(s.tokens-before+j))
		}
		copy(st.conv, kept)
	}
	return nil
}

func (p *parts) conv(name string, c *conv) {
	p.vector(name+".weight", c.weight)
	p.vector(name+".bias", c.bias)
}
