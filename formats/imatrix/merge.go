package imatrix

import (
	"slices"

	"github.com/f190792d/mq/formats/fault"
)

// Merge adds matrices of the same model. chunkSize is the number of tokens
// that a chunk of the result has, and that a chunk of a legacy matrix had; 0
// takes the first that a matrix tells, or DefaultChunkSize.
func Merge(chunkSize int, matrices ...*Matrix) (*Matrix, error) {
	for _, m := range matrices {
		if chunkSize <= 0 {
			chunkSize = m.ChunkSize
		}
	}
	if chunkSize <= 0 {
		chunkSize = DefaultChunkSize
	}
	sum := &Matrix{ChunkSize: chunkSize, Entries: map[string]*Entry{}}
	for _, m := range matrices {
		sum.Datasets = append(sum.Datasets, m.Datasets...)
		for name, e := range m.Entries {
			scale := float32(1)
			if m.Legacy {
				scale = float32(chunkSize)
			}
			if err := sum.add(name, e, scale, m.Legacy); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range sum.Entries {
		sum.Chunks = max(sum.Chunks, int(slices.Max(e.Counts))/chunkSize)
	}
	return sum, nil
}

// add adds the sums and counts of one tensor. A single count, which speaks
// for all experts, is spread when an entry with a count for each follows.
func (m *Matrix) add(name string, e *Entry, scale float32, legacy bool) error {
	if err := e.check("input", name); err != nil {
		return err
	}
	to := m.Entries[name]
	if to == nil {
		to = &Entry{Sums: make([]float32, len(e.Sums)), Counts: make([]float32, len(e.Counts))}
		m.Entries[name] = to
	}
	if len(to.Counts) == 1 && len(e.Counts) > 1 {
		to.Counts = slices.Repeat(to.Counts, len(e.Counts))
	}
	if len(to.Sums) != len(e.Sums) || (len(to.Counts) != len(e.Counts) && !legacy) {
		return fault.Op("imatrix").Tensor(name).Corrupt("%d sums of %d matrices cannot be added to %d of %d: the files are not of one model", len(e.Sums), len(e.Counts), len(to.Sums), len(to.Counts))
	}
	for i, s := range e.Sums {
		to.Sums[i] += float32(s * scale)
	}
	for i := range to.Counts {
		to.Counts[i] += float32(e.Counts[min(i, len(e.Counts)-1)] * scale)
	}
	return nil
}
