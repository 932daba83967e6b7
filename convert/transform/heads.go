package transform

import (
	"github.com/f190792d/mq/formats/fault"
)

// Tile reorders the rows of value heads after the first skip rows, from the
// heads of each group (key head) together to the groups in turn: head j of
// group g moves from g·R+j to j·G+g, with R heads in each of G groups.
func Tile(r Rows, skip, groups, heads int64) Rows {
	if groups <= 0 || heads <= 0 || heads%groups != 0 || r.Count < skip || (r.Count-skip)%heads != 0 {
		return fail(r, fault.Op("transform").Invalid("%d rows after %d are not of %d heads in %d groups", r.Count, skip, heads, groups))
	}
	each, dim := heads/groups, (r.Count-skip)/heads
	return Gather(r, r.Count, func(row int64) int64 {
		if row < skip {
			return row
		}
		head, within := (row-skip)/dim, (row-skip)%dim
		j, g := head/groups, head%groups
		return skip + (g*each+j)*dim + within
	})
}

// TileColumns does the same with the columns of every row.
func TileColumns(r Rows, groups, heads int64) Rows {
	if groups <= 0 || heads <= 0 || heads%groups != 0 || r.Columns%heads != 0 {
		return fail(r, fault.Op("transform").Invalid("%d columns are not of %d heads in %d groups", r.Columns, heads, groups))
	}
	each := heads / groups
	pieces := Reshape(r, r.Columns/heads) // a piece is one head of one row
	return Reshape(Gather(pieces, pieces.Count, func(piece int64) int64 {
		row, head := piece/heads, piece%heads
		j, g := head/groups, head%groups
		return row*heads + g*each + j
	}), r.Columns)
}

// GroupedParts undoes an interleaving: each of groups groups of rows consists
// of parts with the given numbers of rows. The result has, for each part from
// first up to last, the rows of that part of all groups.
func GroupedParts(r Rows, groups int64, parts []int64, first, last int) Rows {
	var size, before int64
	for p, n := range parts {
		size += n
		if p < first {
			before += n
		}
	}
	if groups <= 0 || size*groups != r.Count {
		return fail(r, fault.Op("transform").Invalid("%d rows are not %d groups of %d", r.Count, groups, size))
	}
	var count int64
	for _, n := range parts[first:last] {
		count += n * groups
	}
	return Gather(r, count, func(row int64) int64 {
		start := before
		for _, n := range parts[first:last] {
			if row < n*groups {
				return row/n*size + start + row%n
			}
			row -= n * groups
			start += n
		}
		return 0 // rows end before this
	})
}
