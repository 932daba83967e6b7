package graph

// shortConv is a convolution of a few positions between two gates (LFM2):
// out(C · conv(B·x)), where one matrix gives B, C and x.
type shortConv struct {
	in, out linear
	conv    conv
}

func (m *shortConv) mix(r *run, layer int, x, y []float32) error {
	n, width := len(r.positions), m.out.w.Cols
	all := r.buffer(bufQuery, n*3*width)
	if err := r.multiply(x, n, m.in.to(all)); err != nil {
		return err
	}
	gated, mixed := r.buffer(bufGathered, n*width), r.buffer(bufExpert, n*width)
	err := r.perRow(n, func(i int) {
		row, to := all[i*3*width:(i+1)*3*width], gated[i*width:(i+1)*width]
		for j := range to {
			to[j] = row[j] * row[2*width+j]
		}
	})
	if err != nil {
		return err
	}
	if err := m.conv.run(r, layer, gated, mixed, width); err != nil {
		return err
	}
	err = r.perRow(n, func(i int) {
		row, c := mixed[i*width:(i+1)*width], all[i*3*width+width:]
		for j := range row {
			row[j] *= c[j]
		}
	})
	if err != nil {
		return err
	}
	return r.multiply(mixed, n, m.out.to(y))
}

func (m *shortConv) parts(p *parts) {
	width := m.out.w.Cols
	p.split("shortconv.in_proj", m.in, []segment{{"the gate before", width}, {"the gate after", width}, {"inputs", width}})
	p.linear("shortconv.out_proj", m.out)
	p.conv("shortconv.conv", &m.conv)
}
