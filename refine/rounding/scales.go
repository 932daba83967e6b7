package rounding

import "math"

// A pair is the objective as a function of two changes, s and m: the value of
// column i grows by s·x[i] + m·y[i].
type pair struct {
	x, y           []float32
	sx, sy         float32 // what x and y gain to first order
	xx, xy, yy     float32
	held           [2 * span]float32
	curveX, curveY [span]float32
}

// of fills in the terms for the columns from first on, whose x and y are set.
func (p *pair) of(w *descent, first int, both bool) {
	n := len(p.x)
	cx, cy := p.curveX[:n], p.curveY[:n]
	clear(cx)
	clear(cy)
	for i, x := range p.x {
		line := w.line(first + i)[first : first+n]
		for k, v := range line {
			cx[k] += float32(x * v)
		}
		if y := p.y[i]; both && y != 0 {
			for k, v := range line {
				cy[k] += float32(y * v)
			}
		}
	}
	p.sum(w.slope[first:first+n], cx, cy, both)
}

// sum fills in the terms: cx and cy are x and y times A.
func (p *pair) sum(slopes, cx, cy []float32, both bool) {
	p.sx, p.sy, p.xx, p.xy, p.yy = 0, 0, 0, 0, 0
	for i, slope := range slopes {
		x, y := p.x[i], p.y[i]
		p.sx += float32(x * slope)
		p.xx += float32(x * cx[i])
		if both {
			p.sy += float32(y * slope)
			p.xy += float32(y * cx[i])
			p.yy += float32(y * cy[i])
		}
	}
}

// best returns the changes at which the objective is least.
func (p *pair) best(both bool) (s, m float32) {
	if !(p.xx > 0) {
		return 0, 0
	}
	if both {
		det := float64(float64(p.xx)*float64(p.yy)) - float64(float64(p.xy)*float64(p.xy))
		if det > 1e-6*float64(p.xx)*float64(p.yy) {
			return float32((float64(float64(p.sx)*float64(p.yy)) - float64(float64(p.sy)*float64(p.xy))) / det),
				float32((float64(float64(p.sy)*float64(p.xx)) - float64(float64(p.sx)*float64(p.xy))) / det)
		}
	}
	return p.sx / p.xx, 0
}

// gain is by how much the objective falls.
func (p *pair) gain(s, m float32) float32 {
	linear := float32(s*p.sx) + float32(m*p.sy)
	curve := float32(float32(s*s)*p.xx) + float32(2*float32(float32(s*m)*p.xy)) + float32(float32(m*m)*p.yy)
	return 2*linear - curve
}

// room gives x and y n elements.
func (p *pair) room(n int) { p.x, p.y = p.held[:n], p.held[span:span+n] }

// scales moves the scale and the minimum of each sub-block to the best whole
// numbers near where the objective is least.
func (w *descent) scales() {
	var p pair
	n, both := w.grid.Sub, w.grid.MinHigh > 0
	for first := 0; first < len(w.slope); first += n {
		at := w.row*w.Columns + w.from + first
		sub, b := at/n, at/w.grid.Block
		p.room(n)
		for i := range n {
			p.x[i], p.y[i] = w.d[b]*w.values[w.code[at+i]], -w.dmin[b]
		}
		p.of(w, first, both)
		s, m := p.best(both)
		step := w.scaleStep()
		lower := [2]int32{w.below(w.scale[sub], s), floor(m)}
		var least float32
		var found trial
		for k := range int32(4) {
			t := trial{scale: lower[0] + k&1*step, min: lower[1] + k>>1}
			if !both {
				t.min = 0
			}
			t.scale = min(max(w.scale[sub]+t.scale, w.grid.ScaleLow), w.grid.ScaleHigh) - w.scale[sub]
			t.min = min(max(w.min[sub]+t.min, w.grid.MinLow), w.grid.MinHigh) - w.min[sub]
			if g := p.gain(w.scaleOf(w.scale[sub]+t.scale)-w.scaleOf(w.scale[sub]), float32(t.min)); g > least {
				least, found = g, t
			}
		}
		if found == (trial{}) {
			continue
		}
		before := w.stepOf(sub)
		w.scale[sub] += found.scale
		w.min[sub] += found.min
		w.moved(first, n, at, before, w.stepOf(sub))
	}
}

// moved notes what another step does to the values of a sub-block.
func (w *descent) moved(first, n, at int, before, after step) {
	for i := range n {
		level := w.values[w.code[at+i]]
		w.add(first+i, after.value(level)-before.value(level))
	}
}

// floor is the whole number below f, within what grids have.
func floor(f float32) int32 { return int32(math.Floor(float64(max(-512, min(512, f))))) }

// directions fills in how values from a column on grow with d and with dmin.
func (w *descent) directions(first int, x, y []float32) {
	at := w.row*w.Columns + w.from + first
	for i := range x {
		sub := (at + i) / w.grid.Sub
		x[i], y[i] = w.scaleOf(w.scale[sub])*w.values[w.code[at+i]], -float32(w.min[sub])
	}
}

// blocks moves d and dmin of each block that is smaller than the span.
func (w *descent) blocks() {
	var p pair
	n, both := min(w.grid.Block, len(w.slope)), w.grid.MinHigh > 0
	for first := 0; first < len(w.slope); first += n {
		at := w.row*w.Columns + w.from + first
		p.room(n)
		w.directions(first, p.x, p.y)
		p.of(w, first, both)
		b, before := at/w.grid.Block, w.stepOf(at/w.grid.Sub)
		if _, _, moved := w.move(&p, b, both); moved {
			w.moved(first, n, at, before, w.stepOf(at/w.grid.Sub))
		}
	}
}

// block moves d and dmin of a block that is the span.
func (w *descent) block(x, y, curveX, curveY []float32) {
	p := pair{x: x, y: y}
	both := w.grid.MinHigh > 0
	p.sum(w.slope, curveX, curveY, both)
	at := w.row*w.Columns + w.from
	b := at / w.grid.Block
	old := [2]float32{w.d[b], w.dmin[b]}
	s, m, moved := w.move(&p, b, both)
	if !moved {
		return
	}
	w.changed = true
	for j := range x {
		sub := (at + j) / w.grid.Sub
		before, level := w.newStep(old[0], w.scale[sub], old[1], w.min[sub]), w.values[w.code[at+j]]
		w.change[j] -= w.stepOf(sub).value(level) - before.value(level)
		w.slope[j] -= float32(s * curveX[j])
		if both {
			w.slope[j] -= float32(m * curveY[j])
		}
	}
}

// move puts d and dmin of a block at the float16 nearest to where the
// objective is least, and returns by how much they have grown.
func (w *descent) move(p *pair, b int, both bool) (s, m float32, moved bool) {
	if w.d[b] == 0 {
		return 0, 0, false
	}
	s, m = p.best(both)
	d, dmin := toHalf(w.d[b]+s), toHalf(w.dmin[b]+m)
	s, m = d-w.d[b], dmin-w.dmin[b]
	if d*w.d[b] <= 0 || d-d != 0 || dmin-dmin != 0 || w.grid.MinLow == 0 && dmin < 0 || !(p.gain(s, m) > 0) {
		return 0, 0, false
	}
	w.d[b], w.dmin[b] = d, dmin
	return s, m, true
}
