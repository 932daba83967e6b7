package compute

import "context"

// Attend implements [Device]: tile by tile with a running maximum (Dao et al.
// 2022, arXiv:2205.14135).
func (c *CPU) Attend(ctx context.Context, a *Attention, q Queries, sequences []Sequence) error {
	queries := max(1, queryTile/(a.Heads/a.KVHeads))
	type item struct{ sequence, head, first, n int }
	var items []item
	for i, s := range sequences {
		for first := 0; first < s.Rows; first += queries {
			for head := range a.KVHeads {
				items = append(items, item{i, head, first, min(queries, s.Rows-first)})
			}
		}
	}
	d := c.take()
	defer c.free.Give(d)
	return Parallel(ctx, c.workers, len(items), func(worker, i int) error {
		// The last queries see the most keys: start with them.
		it := items[len(items)-1-i]
		s := sequences[it.sequence]
		row := s.First + it.first
		g := queryGroup{Attention: a, Sequence: s, head: it.head, position: s.Past + it.first, n: it.n, length: s.Past + s.Rows,
			q: q.Q[row*a.Heads*a.Dim:], out: q.Out[row*a.Heads*a.ValueDim:]}
		if q.Seen != nil {
			g.seen = q.Seen[row : row+it.n]
		}
		if q.Compressed != nil {
			g.compressed = q.Compressed[row : row+it.n]
		}
		d.scratch[worker].tile.compute(&g)
		return nil
	})
}
