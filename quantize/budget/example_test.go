package budget_test

import (
	"fmt"

	"github.com/f190792d/mq/quantize/budget"
)

func Example() {
	// Two tensors of 1000 weights and what 4 or 8 bits a weight cost each:
	// the second is the sensitive one.
	items := [][]budget.Option{
		{{Size: 500, Cost: 0.02}, {Size: 1000, Cost: 0.001}},
		{{Size: 500, Cost: 0.5}, {Size: 1000, Cost: 0.03}},
	}
	fmt.Println(budget.Solve(items, 1600))
	fmt.Println(budget.Solve(items, 900))
	// Output:
	// [0 1] true
	// [] false
}
