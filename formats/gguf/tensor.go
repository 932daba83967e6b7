package gguf

// TensorInfo describes one tensor.
type TensorInfo struct {
	Name   string
	Type   Type
	Shape  []int64 // up to 4 lengths, the fastest dimension first (ggml's ne)
	Offset int64   // from the start of the data section of its file

	part int // index of the file in a split set
}

// Part returns the index of the file that holds the tensor: 0, or the
// position within a split set.
func (t TensorInfo) Part() int { return t.part }

// Columns returns the length of a row.
func (t TensorInfo) Columns() int64 {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[0]
}

// Rows returns the number of rows: the product of all lengths but the first.
// It returns -1 where the product overflows.
func (t TensorInfo) Rows() int64 {
	if len(t.Shape) == 0 {
		return 1
	}
	return product(t.Shape[1:])
}

// Elements returns the number of elements, or -1 where it overflows.
func (t TensorInfo) Elements() int64 { return product(t.Shape) }

// RowBytes returns the bytes of one row, or -1 where the row length is no
// multiple of the type's block.
func (t TensorInfo) RowBytes() int64 {
	if n, ok := t.Type.RowBytes(t.Columns()); ok {
		return n
	}
	return -1
}

// Size returns the bytes of the tensor without padding. It returns -1 where
// the shape does not fit the type or the size overflows; tensors of an opened
// file and of a valid [Plan] always have a size.
func (t TensorInfo) Size() int64 {
	row, rows := t.RowBytes(), t.Rows()
	if row < 0 || rows < 0 {
		return -1
	}
	if n, ok := mul(row, rows); ok {
		return n
	}
	return -1
}

// TrimShape drops trailing lengths of 1 but keeps the first, as ggml does
// when it writes a tensor.
func TrimShape(shape []int64) []int64 {
	n := len(shape)
	for n > 1 && shape[n-1] == 1 {
		n--
	}
	return shape[:n:n]
}

// product multiplies lengths. It returns -1 for a negative length and where
// the product overflows, unless some length is 0.
func product(lengths []int64) int64 {
	n, overflow := int64(1), false
	for _, l := range lengths {
		if l < 0 {
			return -1
		}
		if l == 0 {
			n, overflow = 0, false
		}
		m, ok := mul(n, l)
		overflow = overflow || !ok
		n = m
	}
	if overflow {
		return -1
	}
	return n
}
