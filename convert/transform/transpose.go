package transform

import "fmt"

// Transpose turns every matrix of rows rows within r on its side. A read
// fetches, of each source row, only the columns that it needs.
func Transpose(r Rows, rows int64) Rows {
	if rows <= 0 || r.Count%rows != 0 {
		return fail(r, fmt.Errorf("transform: %d rows are no whole number of matrices of %d", r.Count, rows))
	}
	var (
		read    = r.Read
		element = r.ElementBytes()
		columns = r.Columns
		matrix  = rows * columns * element
	)
	out := r
	out.Columns, out.Count = rows, r.Count/rows*columns
	out.Read = func(p []byte, off int64) error {
		return eachRow(p, off, matrix, func(m, within int64, dst []byte) error {
			return transposed(dst, within/element, rows, columns, element, func(q []byte, index int64) error {
				return read(q, m*matrix+index*element)
			})
		})
	}
	return out
}

// transposed fills dst with the elements of a transposed matrix that start at
// element first. read fetches source elements from an index on.
func transposed(dst []byte, first, rows, columns, element int64, read func([]byte, int64) error) error {
	last := first + int64(len(dst))/element // exclusive
	left, right := first/rows, (last-1)/rows+1
	line := make([]byte, (right-left)*element)
	for row := range rows {
		if err := read(line, row*columns+left); err != nil {
			return err
		}
		for c := left; c < right; c++ {
			target := c*rows + row
			if target < first || target >= last {
				continue
			}
			copy(dst[(target-first)*element:][:element], line[(c-left)*element:])
		}
	}
	return nil
}
