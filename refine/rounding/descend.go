package rounding

import (
	"context"

	"github.com/f190792d/mq/refine/linear"
)

// Descend improves codes, scales and super-blocks' scales one after the other,
// each with all others as they are, in some sweeps over all columns.
func (c *Codes) Descend(ctx context.Context, workers int, target []float32, a *linear.Symmetric, sweeps int) error {
	n := c.Columns
	errs := make([]float32, len(target))
	c.Values(errs)
	for i, v := range target {
		errs[i] = v - errs[i]
	}
	slope := make([]float32, len(target)) // errs·A
	if err := linear.MultiplySymmetric(ctx, workers, slope, errs, a, c.Rows); err != nil {
		return err
	}
	p, diagonal := linear.Panels{Workers: workers}, linear.Panels{}
	for sweep := range sweeps {
		for s := 0; s < n; s += span {
			e := min(s+span, n)
			a.Load(&p, s)
			a.LoadUpper(&diagonal, s, e-s, s, e-s)
			var units []unit
			for at := s; at < e && c.grid.Book != nil; at += unitSize {
				u, ok := unitOf(func(i, j int) float32 { return a.At(at+i, at+j) })
				if !ok {
					u = unit{} // left as it is
				}
				units = append(units, u)
			}
			err := linear.EachRows(ctx, workers, c.Rows, func(first, count int) error {
				d := desks.Get().(*desk)
				defer desks.Put(d)
				rows := make([]descent, count)
				for r := range rows {
					rows[r] = descent{Codes: c, row: first + r, from: s, a: a, slope: d.x[r*(span+spare):][:e-s], change: d.errs[r*span:][:e-s]}
					copy(rows[r].slope, slope[(first+r)*n+s:])
				}
				changed := d.descend(rows, &diagonal, units)
				switch {
				case !changed:
				case sweep+1 < sweeps:
					p.AddTo(slope[first*n:], n, d.errs[:], span, count)
				default: // the columns before have had their turn
					p.AddAfter(e, slope[first*n:], n, d.errs[:], span, count)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// A descent improves one row within a span of columns.
type descent struct {
	*Codes
	row, from int
	a         *linear.Symmetric
	slope     []float32 // of the objective, halved and negated, by the values
	change    []float32 // what was subtracted from the values
	changed   bool
}

// descend improves rows, whose slopes and changes are the desk's, and reports
// whether anything has changed.
func (d *desk) descend(rows []descent, diagonal *linear.Panels, units []unit) (changed bool) {
	clear(d.errs[:])
	c, n := rows[0].Codes, len(rows[0].slope)
	for r := range rows {
		if units == nil {
			rows[r].codes()
		} else {
			rows[r].books(units)
		}
		if !c.fixed() {
			rows[r].scales()
		}
		switch {
		case c.grid.Scales != nil:
		case c.grid.Block < span:
			rows[r].blocks()
		default:
			rows[r].directions(0, d.x1[r*span:][:n], d.y1[r*span:][:n])
		}
	}
	if c.grid.Block >= span {
		d.curve(&d.curveX, &d.x1, diagonal, len(rows))
		if c.grid.MinHigh > 0 {
			d.curve(&d.curveY, &d.y1, diagonal, len(rows))
		}
		for r := range rows {
			at := r * span
			rows[r].block(d.x1[at:][:n], d.y1[at:][:n], d.curveX[at:][:n], d.curveY[at:][:n])
		}
	}
	for r := range rows {
		changed = changed || rows[r].changed
	}
	return changed
}

// curve multiplies directions with A.
func (d *desk) curve(dst, x *[linear.RowBlock * span]float32, diagonal *linear.Panels, rows int) {
	clear(dst[:rows*span])
	diagonal.AddTo(dst[:], span, x[:], span, rows)
}

// line returns the part of a row of A that belongs to the span.
func (w *descent) line(j int) []float32 {
	return w.a.Row(w.from+j, w.from)[:len(w.slope)]
}

// add notes that the value of a column has grown.
func (w *descent) add(j int, by float32) {
	if by == 0 {
		return
	}
	w.changed = true
	w.change[j] -= by
	for k, v := range w.line(j) {
		w.slope[k] -= float32(by * v)
	}
}

// codes moves each code to the level nearest to where the objective is least.
func (w *descent) codes() {
	at := w.row*w.Columns + w.from
	for j := 0; j < len(w.slope); j++ {
		st := w.stepOf((at + j) / w.grid.Sub)
		if st.scale == 0 {
			continue
		}
		curve := w.line(j)[j]
		if !(curve > 0) {
			continue
		}
		old := st.value(w.values[w.code[at+j]])
		code := w.nearest(float32(old+w.slope[j]/curve-st.offset) * st.inverse)
		if code == w.code[at+j] {
			continue
		}
		by := st.value(w.values[code]) - old
		if gain := float32(float32(2*by)*w.slope[j]) - float32(float32(by*by)*curve); gain > 0 {
			w.code[at+j] = code
			w.add(j, by)
		}
	}
}
