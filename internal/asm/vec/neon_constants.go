package vec

import (
	"cmp"
	"slices"

	"github.com/mmcloughlin/avo/reg"
)

// settle gives registers to the vectors of a function. As many constants as there
// are registers for are loaded once, before all else, those with the most uses
// first.
func settle(lines []armLine) ([]armLine, func(reg.Register) int) {
	names := constantsOf(lines)
	for kept := len(names); kept >= 0; kept-- {
		moved, same := hoist(lines, names[:kept])
		if number, ok := color(moved); ok {
			return moved, func(r reg.Register) int { return number(same(r)) }
		}
	}
	panic("too many vectors")
}

// constantsOf are the names of what is loaded and never changed.
func constantsOf(lines []armLine) (names []string) {
	count := map[string]int{}
	for _, l := range lines {
		if l.constant != "" && isKept(lines, l) {
			if count[l.constant]++; count[l.constant] == 1 {
				names = append(names, l.constant)
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(count[b], count[a]) })
	return names
}

// isKept reports whether nothing but the line sets its vector.
func isKept(lines []armLine, load armLine) bool {
	sets := 0
	for _, l := range lines {
		for _, r := range l.def {
			if r.Asm() == load.def[0].Asm() {
				sets++
			}
		}
	}
	return sets == 1
}

// hoist moves constants before all lines; same is the vector that stands for
// another one.
func hoist(lines []armLine, names []string) (moved []armLine, same func(reg.Register) reg.Register) {
	first, stands := map[string]reg.Register{}, map[string]reg.Register{}
	var rest []armLine
	for _, l := range lines {
		if l.constant == "" || !slices.Contains(names, l.constant) || !isKept(lines, l) {
			rest = append(rest, l)
			continue
		}
		if first[l.constant] == nil {
			first[l.constant] = l.def[0]
			moved = append(moved, l)
		}
		stands[l.def[0].Asm()] = first[l.constant]
	}
	same = func(r reg.Register) reg.Register {
		if other := stands[r.Asm()]; other != nil {
			return other
		}
		return r
	}
	for _, l := range rest {
		use := slices.Clone(l.use)
		for i := range use {
			use[i] = same(use[i])
		}
		l.use = use
		moved = append(moved, l)
	}
	return moved, same
}
