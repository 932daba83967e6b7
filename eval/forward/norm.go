package forward

import "math"

// norm is a root mean square normalisation with a weight for each element
// (Zhang and Sennrich 2019, arXiv:1910.07467).
type norm struct {
	weight []float32 // nil: all ones
	eps    float64
}

// apply normalises one row from src into dst, which may be the same.
func (n norm) apply(dst, src []float32) {
	scale := float32(1 / math.Sqrt(squares(src)/float64(len(src))+n.eps))
	dst = dst[:len(src)]
	if n.weight == nil {
		for i, v := range src {
			dst[i] = v * scale
		}
		return
	}
	weight := n.weight[:len(src)]
	for i, v := range src {
		dst[i] = v * scale * weight[i]
	}
}

// squares returns the sum of the squares of a row, in four chains: one would
// wait for each addition.
func squares(row []float32) float64 {
	var s0, s1, s2, s3 float64
	for len(row) >= 4 {
		a, b, c, d := float64(row[0]), float64(row[1]), float64(row[2]), float64(row[3])
		s0, s1, s2, s3 = s0+a*a, s1+b*b, s2+c*c, s3+d*d
		row = row[4:]
	}
	for _, v := range row {
		s0 += float64(v) * float64(v)
	}
	return s0 + s1 + (s2 + s3)
}

// rows runs f over the rows of a batch in parallel.
func (r *run) rows(n int, f func(i int)) error {
	const some = 32
	return parallel(r.ctx, r.workers, (n+some-1)/some, func(_, block int) error {
		for i := block * some; i < min(n, (block+1)*some); i++ {
			f(i)
		}
		return nil
	})
}

// normalise applies n to each row of width elements.
func (r *run) normalise(n norm, dst, src []float32, width int) error {
	return r.rows(len(src)/width, func(i int) {
		n.apply(dst[i*width:(i+1)*width], src[i*width:(i+1)*width])
	})
}

// add adds y to x.
func (r *run) add(x, y []float32, width int) error {
	return r.rows(len(x)/width, func(i int) {
		a, b := x[i*width:(i+1)*width], y[i*width:(i+1)*width]
		for j, v := range b {
			a[j] += v
		}
	})
}
