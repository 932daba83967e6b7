package vec

import (
	"slices"

	"github.com/mmcloughlin/avo/reg"
)

// vectors is a set of them, by the names of their registers.
type vectors map[string]bool

// color gives each vector the first register that no vector alive at the same
// time has. It is false where there are too few.
func color(lines []armLine) (number func(reg.Register) int, ok bool) {
	alive := aliveAfter(lines)
	apart := map[string]vectors{}
	var order []string
	for _, l := range lines {
		for _, r := range l.def {
			if d := r.Asm(); apart[d] == nil {
				apart[d] = vectors{}
				order = append(order, d)
			}
		}
	}
	for i, l := range lines {
		for _, r := range l.def {
			d := r.Asm()
			for v := range alive[i] {
				if v != d {
					apart[d][v], apart[v][d] = true, true
				}
			}
		}
	}
	given := map[string]int{}
	fits := func(v string, n int) bool {
		for o := range apart[v] {
			if m, ok := given[o]; ok && m == n {
				return false
			}
		}
		return n < 32
	}
	for _, v := range order {
		if _, ok := given[v]; ok {
			continue
		}
		next := armFunction.pairs[v]
		if armFunction.second[v] {
			v, next = next, v
		}
		n := 0
		for n < 32 && (!fits(v, n) || next != "" && !fits(next, n+1)) {
			n++
		}
		if n == 32 {
			return nil, false
		}
		given[v] = n
		if next != "" {
			given[next] = n + 1
		}
	}
	return func(r reg.Register) int { return given[r.Asm()] }, true
}

// aliveAfter finds the vectors that are read after each line before they are
// set again.
func aliveAfter(lines []armLine) []vectors {
	at := map[string]int{}
	for i, l := range lines {
		if l.label != "" {
			at[l.label] = i
		}
	}
	in, out := make([]vectors, len(lines)), make([]vectors, len(lines))
	for i := range lines {
		in[i], out[i] = vectors{}, vectors{}
	}
	for changed := true; changed; {
		changed = false
		for i := len(lines) - 1; i >= 0; i-- {
			l := lines[i]
			next := []int{}
			if !l.noFallThrough {
				next = append(next, i+1)
			}
			if l.target != "" {
				next = append(next, at[l.target])
			}
			for _, n := range next {
				for v := range in[n] {
					out[i][v] = true
				}
			}
			before := len(in[i])
			for v := range out[i] {
				if !slices.ContainsFunc(l.def, func(r reg.Register) bool { return r.Asm() == v }) {
					in[i][v] = true
				}
			}
			for _, r := range l.use {
				in[i][r.Asm()] = true
			}
			changed = changed || len(in[i]) != before
		}
	}
	return out
}

// armPair gives two vectors registers that follow each other.
func armPair(first, second reg.Register) {
	f := &armFunction
	f.pairs[first.Asm()], f.pairs[second.Asm()] = second.Asm(), first.Asm()
	f.second[second.Asm()] = true
}
