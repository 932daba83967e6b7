package imatrix

import (
	"maps"
	"math"
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// DefaultChunkSize is the number of tokens of a chunk where none is known.
const DefaultChunkSize = 512

// Matrix is an importance matrix of a whole model.
type Matrix struct {
	Datasets  []string          // names of the texts that were read
	Chunks    int               // chunks of text that were read
	ChunkSize int               // tokens in a chunk; 0 in the legacy format
	Entries   map[string]*Entry // by tensor name

	// Legacy tells that Sums are means times Counts[0], and that Counts are
	// in chunks, not rows: what the .dat format keeps.
	Legacy bool
}

// Entry belongs to one tensor.
type Entry struct {
	Sums   []float32 // [matrices][columns]: sums of squared activations
	Counts []float32 // [matrices]: rows that were summed; one for all in the legacy format
}

// Names returns the names of all entries, sorted.
func (m *Matrix) Names() []string { return slices.Sorted(maps.Keys(m.Entries)) }

// Matrices returns the number of matrices that have a count of their own: the
// experts, or 1.
func (e *Entry) Matrices() int { return len(e.Counts) }

// Columns returns the number of columns of one matrix.
func (e *Entry) Columns() int { return len(e.Sums) / len(e.Counts) }

// Weights returns the mean squared activation of each column of one expert.
// An expert that saw no row has the weight 1 in all columns.
func (e *Entry) Weights(expert int) []float32 {
	n := e.Columns()
	weights := make([]float32, n)
	e.divide(weights, expert)
	return weights
}

// AllWeights returns the weights of all experts, one after the other.
func (e *Entry) AllWeights() []float32 {
	weights, n := make([]float32, len(e.Sums)), e.Columns()
	for i := range e.Counts {
		e.divide(weights[i*n:(i+1)*n], i)
	}
	return weights
}

func (e *Entry) divide(weights []float32, expert int) {
	sums, count := e.Sums[expert*len(weights):], e.Counts[expert]
	for i := range weights {
		if weights[i] = 1; count > 0 {
			weights[i] = sums[i] / count
		}
	}
}

// Missing returns the number of experts that saw no row.
func (e *Entry) Missing() int {
	n := 0
	for _, c := range e.Counts {
		if c == 0 {
			n++
		}
	}
	return n
}

// check holds an entry to the rules of both formats.
func (e *Entry) check(file, name string) error {
	if len(e.Counts) == 0 || len(e.Sums) == 0 || len(e.Sums)%len(e.Counts) != 0 {
		return fault.Op("imatrix").File(file).Tensor(name).Corrupt("%d sums cannot belong to %d matrices", len(e.Sums), len(e.Counts))
	}
	for i, c := range e.Counts {
		if !(c >= 0 && c < math.MaxInt32) {
			return fault.Op("imatrix").File(file).Tensor(name).Corrupt("count %d is %v", i, c)
		}
	}
	for i, s := range e.Sums {
		if !finite(s) {
			return fault.Op("imatrix").File(file).Tensor(name).Corrupt("the sum of column %d of matrix %d is %v", i%e.Columns(), i/e.Columns(), s)
		}
	}
	return nil
}

func finite(x float32) bool { return float32(x-x) == 0 }
