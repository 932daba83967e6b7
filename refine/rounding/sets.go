package rounding

import "math"

// sets says which of the two sets of levels that a book may have a unit can use,
// a bit for each.
type sets uint8

const bothSets sets = 3

// setsOf are those of a unit that has a code now, with all others as they are.
func (c *Codes) setsOf(code uint8) sets {
	if c.grid.Book.Sets > unitSize {
		return 1 << (code & 1)
	}
	return bothSets
}

// trySets lists what the search of a sub-block tries: the sets one after the
// other where all of its units have the same.
func (c *Codes) trySets() []sets {
	if b := c.grid.Book; b != nil && b.Sets > unitSize {
		return []sets{1, 2}
	}
	return []sets{bothSets}
}

// fillSets is fill for a book of levels: with each set that can be used, column
// after column, and where the book has not what comes out, the best of those
// near it.
func (c *Codes) fillSets(u *unit, w *wish) filling {
	best := filling{cost: float32(math.Inf(1))}
	for set := range uint8(2) {
		if w.sets>>set&1 == 0 {
			continue
		}
		f, code := filling{}, uint16(0)
		for j := range unitSize {
			now := u.at(w, &f, j)
			f.codes[j] = c.nearestOf(set, float32(now-w.st.offset)*w.st.inverse)
			code |= uint16(f.codes[j]/2) << (j * c.grid.Book.Bits)
			v := w.st.value(c.values[f.codes[j]])
			f.errs[j] = w.target[j] - v
			f.cost += float32(float32((now-v)*(now-v)) * u.weight[j])
		}
		if !(f.cost < best.cost) {
			continue // what is near hardly ever costs less
		}
		near := c.grid.Book.Near(code)
		if near == nil {
			best = f
		}
		for _, code := range near {
			for j := range unitSize {
				f.codes[j] = 2*uint8(code>>(j*c.grid.Book.Bits)&3) + set
			}
			if f.cost = c.put(u, w, &f, 0, unitSize, best.cost); f.cost < best.cost {
				best = f
			}
		}
	}
	return best
}

// nearestOf is nearest among the levels of a set.
func (l *levels) nearestOf(set uint8, x float32) uint8 {
	code := set
	for at := int(set) + 2; at < len(l.values) && x > (l.values[at]+l.values[at-2])/2; at += 2 {
		code = uint8(at)
	}
	return code
}
