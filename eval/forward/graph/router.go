package graph

import (
	"cmp"
	"math"
	"slices"

	"github.com/f190792d/mq/arch"
)

// router chooses the experts of a position and their weights.
type router struct {
	arch.Router
	by   linear
	bias []float32 // added to the scores for the choice alone; nil: none

	elements []float32 // factors of the router's input at length 1
	byExpert []float32 // factors of the weights; nil: none
}

// scale is the factor of the experts' weights.
func (r *router) scale() float64 { return cmp.Or(r.Scale, 1) }

// choice is an expert with its weight.
type choice struct {
	expert int
	weight float32
}

// choose fills chosen, the best first, from the logits of all experts, which
// it overwrites.
func (r *router) choose(chosen []choice, logits []float32) {
	if r.Within > 0 {
		r.mix(chosen, logits)
		return
	}
	r.score(logits)
	ranks := make([]float64, len(logits))
	for e, s := range logits {
		ranks[e] = float64(s)
		if r.bias != nil {
			ranks[e] += float64(r.bias[e])
		}
	}
	if r.Groups > 1 {
		r.limit(ranks)
	}
	for i := range chosen {
		best := top(ranks)
		chosen[i] = choice{best, logits[best]}
		ranks[best] = math.Inf(-1)
	}
	r.weigh(chosen)
}

// mix fills chosen, each with its weight among the logits near its own that are
// left.
func (r *router) mix(chosen []choice, logits []float32) {
	left := make([]float64, len(logits))
	for e, v := range logits {
		left[e] = float64(v)
	}
	for i := range chosen {
		best := top(left)
		peak, sum := logits[best], 0.0
		for e, v := range left {
			if far := (peak - logits[e]) / max(float32(math.Abs(float64(logits[e]))), peak); !(far > float32(r.Within)) {
				sum += math.Exp(v - float64(peak))
			}
		}
		chosen[i], left[best] = choice{best, float32(1 / sum)}, math.Inf(-1)
	}
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
	if r.Score == arch.ChosenSoftmaxScore {
		softmaxOf(chosen)
	}
	sum := 0.0
	for _, c := range chosen {
		sum += float64(c.weight)
	}
	factor := r.scale()
	if r.Normalize {
		factor /= max(sum, 1e-20)
	}
	for i := range chosen {
		chosen[i].weight = float32(float64(chosen[i].weight) * factor)
		if r.byExpert != nil {
			chosen[i].weight *= r.byExpert[chosen[i].expert]
		}
	}
}

// sees returns what the router sees of x.
func (r *router) sees(run *run, x []float32, n int) ([]float32, error) {
	if r.elements == nil {
		return x, nil
	}
	width := len(x) / n
	in, unit, root := run.buffer(bufSeen, len(x)), &norm{eps: r.Unit}, float32(1/math.Sqrt(float64(width)))
	return in, run.perRow(n, func(i int) {
		row := in[i*width : (i+1)*width]
		unit.apply(row, x[i*width:(i+1)*width])
		for j, s := range r.elements {
			row[j] *= s * root
		}
	})
}

// score turns logits into scores.
func (r *router) score(logits []float32) {
	switch r.Score {
	case arch.ChosenSoftmaxScore: // comes after the choice
	case arch.SigmoidScore:
		for i, v := range logits {
			logits[i] = logistic(v)
		}
	case arch.SqrtSoftplusScore:
		for i, v := range logits {
			x := float64(v)
			logits[i] = float32(math.Sqrt(max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))))
		}
	default:
		peak, sum := slices.Max(logits), 0.0
		for _, v := range logits {
			sum += math.Exp(float64(v - peak))
		}
		for i, v := range logits {
			logits[i] = float32(math.Exp(float64(v-peak)) / sum)
		}
	}
}

// softmaxOf replaces the logits of chosen experts, the best first, by their
// softmax.
func softmaxOf(chosen []choice) {
	peak, sum := float32(math.Inf(-1)), 0.0
	for _, c := range chosen {
		peak = max(peak, c.weight)
	}
	for _, c := range chosen {
		sum += math.Exp(float64(c.weight - peak))
	}
	for i, c := range chosen {
		chosen[i].weight = float32(math.Exp(float64(c.weight-peak)) / sum)
	}
}

// limit takes the experts of all but the best groups out of the choice.
func (r *router) limit(ranks []float64) {
	size := len(ranks) / r.Groups
	groups := make([]float64, r.Groups)
	for g := range groups {
		members := slices.Clone(ranks[g*size : (g+1)*size])
		best := top(members)
		groups[g] = members[best]
		if members[best] = math.Inf(-1); !r.GroupMax && size > 1 {
			groups[g] += members[top(members)]
		}
	}
	keep := make([]bool, r.Groups)
	for range r.GroupsUsed {
		best := top(groups)
		keep[best], groups[best] = true, math.Inf(-1)
	}
	for e := range ranks {
		if !keep[min(e/size, r.Groups-1)] {
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
