package imatrix

import (
	"maps"
	"slices"
)

// LayerStats averages the statistics of a block's tensors, each weighted by
// its number of columns.
type LayerStats struct {
	Block  int     `json:"block"`
	Sum    float32 `json:"sum"`
	ZScore float32 `json:"zscore"`
	CosSim float32 `json:"cossim"`
}

// Layers returns the averages of every block, with the numbers that
// llama-imatrix prints after those of the tensors.
func Layers(tensors []Stats) []LayerStats {
	layers := map[int]*LayerStats{}
	columns := map[int]float32{}
	for _, t := range tensors {
		block := t.Block()
		if block < 0 {
			continue
		}
		l := layers[block]
		if l == nil {
			l = &LayerStats{Block: block}
			layers[block] = l
		}
		n := float32(t.Elements)
		columns[block] += n
		l.Sum += float32(n * t.Sum)
		l.ZScore += float32(n * t.ZScore)
		l.CosSim += float32(n * t.CosSim)
	}
	var list []LayerStats
	for _, block := range slices.Sorted(maps.Keys(layers)) {
		l, n := layers[block], columns[block]
		list = append(list, LayerStats{block, l.Sum / n, l.ZScore / n, l.CosSim / n})
	}
	return list
}
