package imatrix

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Stats describes the weights of one tensor: the columns of all experts that
// saw a row.
type Stats struct {
	Tensor   string  `json:"tensor"`
	Elements int     `json:"elements"` // columns that were counted
	Sum      float32 `json:"sum"`      // of the weights
	Min      float32 `json:"min"`
	Max      float32 `json:"max"`
	Mean     float32 `json:"mean"`
	StdDev   float32 `json:"stddev"`
	Active   float32 `json:"active"`  // the part of the columns above 1e-5
	Entropy  float32 `json:"entropy"` // in bits
	ZScore   float32 `json:"zscore"`  // the part of the columns more than one StdDev above Mean
	CosSim   float32 `json:"cossim"`  // with the same tensor of the block before; 0 where there is none
}

// NormalizedEntropy returns the entropy as a part of that of equal weights.
func (s Stats) NormalizedEntropy() float32 {
	if s.Elements < 2 {
		return 0
	}
	return s.Entropy / float32(math.Log2(float64(s.Elements)))
}

// Block returns the index of the tensor's block, or -1 outside the blocks.
func (s Stats) Block() int {
	if m := blockName.FindStringSubmatch(s.Tensor); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return -1
}

var blockName = regexp.MustCompile(`blk\.(\d+)\.`)

// Statistics describes all tensors that have data, with the numbers and in
// the order of llama-imatrix --show-statistics: by the tensor's name within
// its block, then by falling sum.
func (m *Matrix) Statistics() []Stats {
	var all []Stats
	for _, name := range m.Names() {
		if s, ok := m.Entries[name].stats(); ok {
			s.Tensor = name
			s.CosSim = m.cosine(s)
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Stats) int {
		if c := strings.Compare(shortName(a.Tensor), shortName(b.Tensor)); c != 0 {
			return c
		}
		switch {
		case a.Sum > b.Sum:
			return -1
		case a.Sum < b.Sum:
			return 1
		}
		return 0
	})
	return all
}

// shortName returns the part of a name before ".weight": attn_q for
// blk.0.attn_q.weight.
func shortName(name string) string {
	parts := strings.Split(name, ".")
	if i := slices.Index(parts, "weight"); i > 0 {
		return parts[i-1]
	}
	return name
}

// stats sums in float32 from the first column to the last, as the reference
// does, so that its printed digits agree.
func (e *Entry) stats() (Stats, bool) {
	var weights []float32
	for i, count := range e.Counts {
		if count > 0 {
			weights = append(weights, e.Weights(i)...)
		}
	}
	if len(weights) == 0 {
		return Stats{}, false
	}
	n := float32(len(weights))
	s := Stats{Elements: len(weights), Min: slices.Min(weights), Max: slices.Max(weights)}
	var squares float32
	for _, w := range weights {
		s.Sum += w
		squares += float32(w * w)
		if w > 1e-5 || w < -1e-5 {
			s.Active++
		}
	}
	s.Active /= n
	s.Mean = s.Sum / n
	s.StdDev = sqrt(max(0, squares/n-float32(s.Mean*s.Mean)))
	above := 0
	for _, w := range weights {
		if p := w / s.Sum; s.Sum > 0 && p > 0 {
			s.Entropy -= float32(p * float32(math.Log2(float64(p))))
		}
		if s.StdDev > 0 && (w-s.Mean)/s.StdDev > 1 {
			above++
		}
	}
	s.ZScore = float32(above) / n
	return s, true
}

// cosine compares the sums of a tensor with those of the block before.
func (m *Matrix) cosine(s Stats) float32 {
	block := s.Block()
	at := blockName.FindStringSubmatchIndex(s.Tensor)
	if block < 1 {
		return 0
	}
	before := m.Entries[s.Tensor[:at[2]]+strconv.Itoa(block-1)+s.Tensor[at[3]:]]
	this := m.Entries[s.Tensor]
	if before == nil || len(before.Sums) != len(this.Sums) {
		return 0
	}
	norm := float32(sqrt(dot(this.Sums, this.Sums)) * sqrt(dot(before.Sums, before.Sums)))
	if norm == 0 {
		return 0
	}
	return dot(this.Sums, before.Sums) / norm
}

func dot(a, b []float32) float32 {
	var sum float32
	for i := range a {
		sum += float32(a[i] * b[i])
	}
	return sum
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
