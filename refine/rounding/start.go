package rounding

// shares is how many scales are tried for a block at most.
const shares = 16

// start chooses the scales of blocks that are not searched on the way, as they
// are where blocks have no others: that with which the nearest levels leave the
// least error, each column counted by what its errors cost.
func (c *Codes) start(row int, target, cost []float32) {
	n := c.grid.Block
	for at := 0; at < c.Columns; at += n {
		x, w := target[at:at+n], cost[at:at+n]
		top := float32(0)
		for _, v := range x {
			top = max(top, v, -v)
		}
		gain, b := 0.0, (row*c.Columns+at)/n
		for k := range shares {
			d := top * float32(k+1) / shares
			if !(d > 0) {
				continue
			}
			inverse, by, square := 1/d, 0.0, 0.0
			for i, v := range x {
				level := float64(c.values[c.nearest(v*inverse)])
				by += float64(float64(float64(w[i])*float64(v)) * level)
				square += float64(float64(float64(w[i])*level) * level)
			}
			if now := by * by / square; by > 0 && square > 0 && now > gain {
				gain, c.d[b] = now, toHalf(float32(by/square))
			}
		}
	}
}
