package budget

import (
	"math"
	"slices"
)

// Option is one way to store an item.
type Option struct {
	Size int64 // not negative
	Cost float64
}

// maxCells bounds the table of the dynamic program.
const maxCells = 1 << 25

// Solve chooses one option for each item so that the sum of costs is least and
// the sum of sizes at most capacity. The result is exact where the differences
// of sizes have a common divisor large enough for the table, as those of
// tensors have; otherwise sizes are rounded up to a coarser unit, and what is
// left is spent on the best single steps. It reports false where not even the
// smallest options fit. Equal inputs give equal results.
func Solve(items [][]Option, capacity int64) ([]int, bool) {
	chosen := make([]int, len(items))
	var least, most int64 // sums of the sizes
	for i, options := range items {
		if len(options) == 0 {
			return nil, false
		}
		small, large := options[0].Size, options[0].Size
		for j, o := range options {
			small, large = min(small, o.Size), max(large, o.Size)
			if best := options[chosen[i]]; o.Size < best.Size || o.Size == best.Size && o.Cost < best.Cost {
				chosen[i] = j
			}
		}
		least, most = least+small, most+large
	}
	if least > capacity {
		return nil, false
	}
	room := min(capacity, most) - least
	unit := unitOf(items)
	if cells := float64(len(items)) * (float64(room/unit) + 1); cells > maxCells {
		unit *= int64(math.Ceil(cells / maxCells))
	}
	chosen = fill(items, chosen, room, unit)
	return spend(items, chosen, capacity), true
}

// unitOf is the greatest common divisor of all differences of sizes.
func unitOf(items [][]Option) int64 {
	var unit int64
	for _, options := range items {
		for _, o := range options {
			a, b := unit, o.Size-options[0].Size
			for b != 0 {
				a, b = b, a%b
			}
			unit = max(a, -a)
		}
	}
	return max(unit, 1)
}

// fill runs the dynamic program over room, counted in units above the
// smallest options: best[c] is the least cost of the items so far in c units.
func fill(items [][]Option, smallest []int, room, unit int64) []int {
	n := int(room/unit) + 1
	best, next := make([]float64, n), make([]float64, n)
	taken := make([][]uint8, len(items))
	for i, options := range items {
		base := options[smallest[i]].Size
		taken[i] = make([]uint8, n)
		for c := range next {
			next[c], taken[i][c] = math.Inf(1), uint8(smallest[i])
		}
		for j, o := range options {
			extra := int((o.Size - base + unit - 1) / unit)
			for c := extra; c < n; c++ {
				if cost := best[c-extra] + o.Cost; cost < next[c] {
					next[c], taken[i][c] = cost, uint8(j)
				}
			}
		}
		best, next = next, best
	}
	chosen := make([]int, len(items))
	c := n - 1
	for i := len(items) - 1; i >= 0; i-- {
		j := int(taken[i][c])
		chosen[i] = j
		c -= int((items[i][j].Size - items[i][smallest[i]].Size + unit - 1) / unit)
	}
	return chosen
}

// spend takes the step that saves most cost, and fits, until there is none.
func spend(items [][]Option, chosen []int, capacity int64) []int {
	chosen = slices.Clone(chosen)
	left := capacity
	for i, j := range chosen {
		left -= items[i][j].Size
	}
	for {
		item, option, saved := -1, 0, 0.0
		for i, options := range items {
			now := options[chosen[i]]
			for j, o := range options {
				if s := now.Cost - o.Cost; s > saved && o.Size-now.Size <= left {
					item, option, saved = i, j, s
				}
			}
		}
		if item < 0 {
			return chosen
		}
		left -= items[item][option].Size - items[item][chosen[item]].Size
		chosen[item] = option
	}
}
