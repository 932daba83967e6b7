package forward

import (
	"math"
	"slices"
)

// router chooses the experts of a position and their weights.
type router struct {
	w    *matrix
	bias []float32 // added to the scores for the choice alone; nil: none

	used      int
	sigmoid   bool    // scores are sigmoids, else a softmax over all experts,
	root      bool    // or the roots of softplus
	normalise bool    // weights of the chosen sum to 1
	scale     float64 // of the weights
	before    bool    // weights multiply what goes into an expert, not what comes out

	groups, groupsUsed int  // experts are chosen among those of the best groups; 0: among all
	groupMax           bool // a group is as good as its best expert, else as its best two
}

// choice is an expert with its weight.
type choice struct {
	expert int
	weight float32
}

// choose fills chosen, the best first, from the logits of all experts, which
// it overwrites.
func (r *router) choose(chosen []choice, logits []float32) {
	r.score(logits)
	ranks := make([]float64, len(logits))
	for e, s := range logits {
		ranks[e] = float64(s)
		if r.bias != nil {
			ranks[e] += float64(r.bias[e])
		}
	}
	if r.groups > 1 {
		r.limit(ranks)
	}
	for i := range chosen {
		best := top(ranks)
		chosen[i] = choice{best, logits[best]}
		ranks[best] = math.Inf(-1)
	}
	r.weigh(chosen)
}

// take fills chosen with given experts.
func (r *router) take(chosen []choice, logits []float32, experts []int32) {
	r.score(logits)
	for i := range chosen {
		chosen[i] = choice{int(experts[i]), logits[experts[i]]}
	}
	r.weigh(chosen)
}

// weigh turns the scores of chosen experts into their weights.
func (r *router) weigh(chosen []choice) {
	sum := 0.0
	for _, c := range chosen {
		sum += float64(c.weight)
	}
	factor := r.scale
	if r.normalise {
		factor /= max(sum, 1e-20)
	}
	for i := range chosen {
		chosen[i].weight = float32(float64(chosen[i].weight) * factor)
	}
}

// score turns logits into scores.
func (r *router) score(logits []float32) {
	if r.sigmoid {
		for i, v := range logits {
			logits[i] = float32(1 / (1 + math.Exp(-float64(v))))
		}
		return
	}
	if r.root {
		for i, v := range logits {
			x := float64(v)
			logits[i] = float32(math.Sqrt(max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))))
		}
		return
	}
	peak, sum := slices.Max(logits), 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v - peak))
	}
	for i, v := range logits {
		logits[i] = float32(math.Exp(float64(v-peak)) / sum)
	}
}

// limit takes the experts of all but the best groups out of the choice.
func (r *router) limit(ranks []float64) {
	size := len(ranks) / r.groups
	groups := make([]float64, r.groups)
	for g := range groups {
		members := slices.Clone(ranks[g*size : (g+1)*size])
		best := top(members)
		groups[g] = members[best]
		if members[best] = math.Inf(-1); !r.groupMax && size > 1 {
			groups[g] += members[top(members)]
		}
	}
	keep := make([]bool, r.groups)
	for range r.groupsUsed {
		best := top(groups)
		keep[best], groups[best] = true, math.Inf(-1)
	}
	for e := range ranks {
		if !keep[min(e/size, r.groups-1)] {
			ranks[e] = math.Inf(-1)
		}
	}
}

// top returns the index of the largest value, the first of equals. A NaN is
// below everything, so that broken weights cannot lead outside.
func top(values []float64) int {
	best := 0
	for i, v := range values {
		if v > values[best] || values[best] != values[best] {
			best = i
		}
	}
	return best
}
