package rounding

import (
	"math"
	"math/bits"
)

// unitSize is how many columns are rounded at once where a codebook says which
// magnitudes can be neighbours.
const unitSize = 8

// A unit is the problem of as many columns: the sum of weight[j]·(u[j]-v[j])²
// is to be least, where u[j] is what column j should be and the errors of those
// before it, each times pull[j][i].
type unit struct {
	weight [unitSize]float32
	pull   [unitSize][unitSize]float32
}

// A filling is what a unit's columns get.
type filling struct {
	codes [unitSize]uint8
	errs  [unitSize]float32 // against the target
	cost  float32
}

// wish is what a unit's columns should be: x with the errors of columns in
// front of the unit, target without any.
type wish struct {
	st        step
	x, target *[unitSize]float32
	sets      sets
}

// at is what column j should be after those before it.
func (u *unit) at(w *wish, f *filling, j int) float32 {
	now := w.x[j]
	for i, p := range u.pull[j][:j] {
		now += float32(f.errs[i] * p)
	}
	return now
}

// put gives columns from one on below another the codes that f has and returns
// what they cost, or something not below least where that is not less.
func (c *Codes) put(u *unit, w *wish, f *filling, from, to int, least float32) float32 {
	cost := float32(0)
	for j := from; j < to; j++ {
		v := w.st.value(c.values[f.codes[j]])
		off := u.at(w, f, j) - v
		f.errs[j] = w.target[j] - v
		if cost += float32(float32(off*off) * u.weight[j]); !(cost < least) {
			return least
		}
	}
	return cost
}

// code packs the magnitudes of some levels.
func (c *Codes) codeOf(levels []uint8) (code uint16) {
	for i, l := range levels {
		magnitude := int(l) - len(c.values)/2
		if magnitude < 0 {
			magnitude = ^magnitude
		}
		code |= uint16(magnitude) << (i * c.grid.Book.Bits)
	}
	return code
}

// fill chooses the codes of a unit: column after column, and where the book has
// not what comes out, the best of those near it. Signs are those of what the
// columns should be; where their number is to be even, the one that costs least
// is turned.
func (c *Codes) fill(u *unit, w *wish) (f filling) {
	if c.grid.Book.Sets > 0 {
		return c.fillSets(u, w)
	}
	b, half := c.grid.Book, len(c.values)/2
	for from := 0; from < unitSize; from += b.Dims {
		to := from + b.Dims
		cost := float32(0)
		for j := from; j < to; j++ {
			now := u.at(w, &f, j)
			f.codes[j] = c.nearest(float32(now-w.st.offset) * w.st.inverse)
			v := w.st.value(c.values[f.codes[j]])
			f.errs[j] = w.target[j] - v
			cost += float32(float32((now-v)*(now-v)) * u.weight[j])
		}
		if near := b.Near(c.codeOf(f.codes[from:to])); near != nil {
			cost = float32(math.Inf(1))
			best, try := f, f
			for _, code := range near {
				if now := c.putSigned(u, w, &try, from, to, code, cost); now < cost {
					cost, best = now, try
				}
			}
			f = best
		}
		f.cost += cost
	}
	if !b.Even {
		return f
	}
	minus := uint(0)
	for j, l := range f.codes {
		if int(l) < half {
			minus |= 1 << j
		}
	}
	if bits.OnesCount(minus)%2 == 0 {
		return f
	}
	best := filling{cost: float32(math.Inf(1))}
	for j := range unitSize {
		try := f
		try.codes[j] = uint8(len(c.values)-1) - try.codes[j]
		if try.cost = c.put(u, w, &try, 0, unitSize, best.cost); try.cost < best.cost {
			best = try
		}
	}
	return best
}

// putSigned is put for the magnitudes of a code, with the signs of what the
// columns should be.
func (c *Codes) putSigned(u *unit, w *wish, f *filling, from, to int, code uint16, least float32) float32 {
	cost, half, mask := float32(0), len(c.values)/2, uint16(1)<<c.grid.Book.Bits-1
	for j := from; j < to; j++ {
		now := u.at(w, f, j)
		level := half + int(code&mask)
		code >>= c.grid.Book.Bits
		if now < 0 {
			level = len(c.values) - 1 - level
		}
		f.codes[j] = uint8(level)
		v := w.st.value(c.values[level])
		f.errs[j] = w.target[j] - v
		if cost += float32(float32((now-v)*(now-v)) * u.weight[j]); !(cost < least) {
			return least
		}
	}
	return cost
}

// tryBook is try for one step of a type with a codebook.
func (s *search) tryBook(k *bench, lane, width int, x, target []float32, least float32) {
	w := wish{st: k.steps[lane], sets: k.trials[lane].sets}
	k.cost[lane] = 0
	for at := 0; at < s.size; at += unitSize {
		var own [unitSize]float32
		for j := range own {
			own[j] = x[at+j]
			for i, p := range s.pull[(at+j)*s.size:][:at] {
				own[j] += float32(k.errs[i*width+lane] * p)
			}
		}
		w.x, w.target = &own, (*[unitSize]float32)(target[at:])
		f := s.fill(&s.units[at/unitSize], &w)
		k.cost[lane] += f.cost
		for j := range own {
			k.errs[(at+j)*width+lane], k.codes[(at+j)*width+lane] = f.errs[j], f.codes[j]
		}
		if !(k.cost[lane] < least) {
			return
		}
	}
}

// unitsOf takes the units of a sub-block from its pull.
func (s *search) unitsOf() {
	for at := 0; at < s.size; at += unitSize {
		var u unit
		copy(u.weight[:], s.weight[at:])
		for j := range unitSize {
			copy(u.pull[j][:j], s.pull[(at+j)*s.size+at:])
		}
		s.units = append(s.units, u)
	}
}

// unitOf is the unit whose cost is d·A·dᵀ for d = target - values, with nothing
// in front of it: A as R·D·Rᵀ. It is false where A is not positive definite.
func unitOf(a func(i, j int) float32) (u unit, ok bool) {
	var m [unitSize][unitSize]float64
	for i := range unitSize {
		for j := i; j < unitSize; j++ {
			m[i][j] = float64(a(i, j))
		}
	}
	for j := unitSize - 1; j >= 0; j-- {
		d := m[j][j]
		if !(d > 0) {
			return u, false
		}
		u.weight[j] = float32(d)
		for i := range j {
			by := m[i][j] / d
			u.pull[j][i] = float32(by)
			for k := i; k < j; k++ {
				m[i][k] -= float64(by * m[k][j])
			}
		}
	}
	return u, true
}

// books moves the codes of each unit to where the objective is least, with all
// others as they are.
func (w *descent) books(units []unit) {
	at := w.row*w.Columns + w.from
	for first := 0; first < len(w.slope); first += unitSize {
		u, st := &units[first/unitSize], w.stepOf((at+first)/w.grid.Sub)
		if st.scale == 0 || u.weight[0] == 0 {
			continue
		}
		now := filling{codes: [unitSize]uint8(w.code[at+first:])}
		var old, wanted [unitSize]float32
		for j := range old {
			old[j] = st.value(w.values[now.codes[j]])
		}
		u.solve(&wanted, (*[unitSize]float32)(w.slope[first:]))
		for j := range wanted {
			wanted[j] += old[j]
		}
		wish := &wish{st, &wanted, &wanted, w.setsOf(now.codes[0])}
		cost := w.put(u, wish, &now, 0, unitSize, float32(math.Inf(1)))
		f := w.fill(u, wish)
		if f.codes == now.codes || !(f.cost < 0.9999*cost) {
			continue
		}
		for j, code := range f.codes {
			w.code[at+first+j] = code
			w.add(first+j, st.value(w.values[code])-old[j])
		}
	}
}

// solve sets x to slope·A⁻¹.
func (u *unit) solve(x, slope *[unitSize]float32) {
	*x = *slope
	for j := unitSize - 1; j >= 0; j-- { // y·Rᵀ = slope
		for i := range j {
			x[i] -= float32(x[j] * u.pull[j][i])
		}
	}
	for j := range x {
		x[j] /= u.weight[j]
	}
	for j := range x { // x·R = y
		for i := range j {
			x[j] -= float32(x[i] * u.pull[j][i])
		}
	}
}
