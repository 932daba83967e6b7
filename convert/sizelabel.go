package convert

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/gguf"
)

// sizes counts the weights of a model: expert weights once, and all of them.
type sizes struct {
	total, shared, expert, experts int64
}

// countWeights sums up the tensors of a file. A tensor of experts holds its
// matrices along the third dimension, its biases along the second.
func countWeights(tensors []gguf.TensorInfo) sizes {
	var s sizes
	var stacked, sum int64
	for _, t := range tensors {
		n := t.Elements()
		s.total += n
		if !strings.Contains(t.Name, "_exps.") || len(t.Shape) < 3 {
			s.shared += n
			continue
		}
		count := t.Shape[2]
		if strings.Contains(t.Name, ".bias") {
			count = t.Shape[1]
		}
		if count > 0 {
			s.expert += n / count
			sum += count
			stacked++
		}
	}
	if stacked > 0 {
		s.experts = sum / stacked
	}
	return s
}

// label writes the size as in "8.0B" or "8x7B".
func (s sizes) label() string {
	if s.experts > 0 {
		return fmt.Sprintf("%dx%s", s.experts, rounded(s.shared+s.expert))
	}
	return rounded(s.total)
}

// rounded writes a number of weights with at least two digits and a suffix.
func rounded(n int64) string {
	x, suffix := float64(n)*1e-3, "K"
	switch {
	case n > 1e12:
		x, suffix = float64(n)*1e-12, "T"
	case n > 1e9:
		x, suffix = float64(n)*1e-9, "B"
	case n > 1e6:
		x, suffix = float64(n)*1e-6, "M"
	}
	digits := len(strings.TrimLeft(strconv.FormatFloat(math.RoundToEven(x), 'f', 0, 64), "0"))
	return strconv.FormatFloat(x, 'f', max(2-digits, 0), 64) + suffix
}
