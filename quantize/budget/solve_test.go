package budget

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// best tries every combination.
func best(items [][]Option, capacity int64) (float64, bool) {
	if len(items) == 0 {
		return 0, capacity >= 0
	}
	least, found := 0.0, false
	for _, o := range items[0] {
		cost, ok := best(items[1:], capacity-o.Size)
		if ok && (!found || cost+o.Cost < least) {
			least, found = cost+o.Cost, true
		}
	}
	return least, found
}

func sums(items [][]Option, chosen []int) (size int64, cost float64) {
	for i, j := range chosen {
		size += items[i][j].Size
		cost += items[i][j].Cost
	}
	return size, cost
}

func TestSolutionIsTheBestOfAllCombinations(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 400 {
		unit := int64(1 + random.IntN(5000))
		items := make([][]Option, 1+random.IntN(5))
		for i := range items {
			for range 1 + random.IntN(5) {
				items[i] = append(items[i], Option{unit * int64(random.IntN(40)), random.Float64()})
			}
		}
		capacity := unit*int64(random.IntN(150)) + int64(random.IntN(int(unit)))
		want, feasible := best(items, capacity)
		chosen, ok := Solve(items, capacity)
		if ok != feasible {
			t.Fatalf("round %d: solved %v, but there is a solution: %v", round, ok, feasible)
		}
		if !ok {
			continue
		}
		size, cost := sums(items, chosen)
		if size > capacity || cost > want+1e-12 {
			t.Fatalf("round %d: size %d of %d, cost %v, best %v: %v of %v", round, size, capacity, cost, want, chosen, items)
		}
		if again, _ := Solve(items, capacity); !slices.Equal(again, chosen) {
			t.Fatalf("round %d: the second time %v, not %v", round, again, chosen)
		}
	}
}

// Sizes without a common divisor need rounding; the budget still is used up.
func TestRoundedSizesKeepWithinTheBudgetAndUseIt(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	items := make([][]Option, 300)
	for i := range items {
		elements := 1e6 + random.Float64()*5e7
		for bits := 2.; bits <= 8; bits++ {
			items[i] = append(items[i], Option{int64(elements * bits / 8), (0.5 + random.Float64()) * elements / float64(int(1)<<int(2*bits))})
		}
	}
	const capacity = 4 << 30
	chosen, ok := Solve(items, capacity)
	size, _ := sums(items, chosen)
	if !ok || size > capacity || float64(size) < 0.998*capacity {
		t.Errorf("%v: %d bytes of %d", ok, size, int64(capacity))
	}
}

func TestWhatCannotFitIsRefused(t *testing.T) {
	items := [][]Option{{{10, 1}, {20, 0}}, {{5, 1}}}
	if _, ok := Solve(items, 14); ok {
		t.Error("15 bytes fit 14")
	}
	if chosen, ok := Solve(items, 15); !ok || chosen[0] != 0 {
		t.Errorf("%v, %v", chosen, ok)
	}
	endless := [][]Option{{{10, math.Inf(1)}, {8, math.Inf(1)}}, {{5, 1}, {4, 2}}}
	if chosen, ok := Solve(endless, 13); !ok || chosen[0] != 1 || chosen[1] != 0 {
		t.Errorf("costs without end: %v, %v", chosen, ok)
	}
	if chosen, ok := Solve(items, 1<<50); !ok || chosen[0] != 1 {
		t.Errorf("%v, %v", chosen, ok)
	}
}
