package kernel

// gemmFunc computes a tile of c: len(rows) of the kernel × panel width.
// Element [r][n] is the sum over k of a[r·lda+k]·b[k·width+n], plus its former
// value where add is set.
type gemmFunc func(k int, a *float32, lda int, b *float32, c *float32, ldc int, add bool)

// step is a micro-kernel for a fixed number of rows.
type step struct {
	rows int
	run  gemmFunc
}

// variant is a set of kernels that one processor runs.
type variant struct {
	name      string
	width     int    // columns of a panel
	steps     []step // by falling number of rows, down to 1
	transpose func(dst *float32, dstStride int, src *float32, srcStride, columns int)
	exp       func(dst, src *float32, n int, shift float32) float32
	swiglu    func(gate, up *float32, n int)
	max       func(src *float32, n int) float32
	squares   func(sums *float64, row *float32, n int)
	decode    map[string]decoder // by ggml's name of the type

	pairs       []step // of products of pairs
	pairSquares func(row *float32, n int) float64
	pairRow     func(row *float32, n int, scale float32) float32
}

// tile computes rows × width elements with micro-kernels of several sizes.
func tile(steps []step, rows, depth int, a []float32, lda int, b []float32, c []float32, ldc int, add bool) {
	for r := 0; r < rows; {
		for _, s := range steps {
			if s.rows <= rows-r {
				s.run(depth, &a[r*lda], lda, &b[0], &c[r*ldc], ldc, add)
				r += s.rows
				break
			}
		}
	}
}

// active is the variant in use; nil functions mean pure Go.
var active = detect()

// Name says which variant is in use: "avx512", "avx2", "neon" or "go".
func Name() string { return active.name }

// Width returns the number of columns of a packed panel.
func Width() int { return active.width }

// Gemm computes rows × Width() elements: c[r·ldc+n] = Σ a[r·lda+k]·b[k·Width()+n]
// over 0 ≤ k < depth, added to what is there where add is set.
func Gemm(rows, depth int, a []float32, lda int, b []float32, c []float32, ldc int, add bool) {
	if rows <= 0 || depth <= 0 {
		return
	}
	width := active.width
	_ = a[(rows-1)*lda+depth-1]
	_ = b[depth*width-1]
	_ = c[(rows-1)*ldc+width-1]
	if len(active.steps) == 0 {
		gemmGeneric(rows, depth, a, lda, b, width, c, ldc, add)
		return
	}
	tile(active.steps, rows, depth, a, lda, b, c, ldc, add)
}

// Pack transposes rows into a panel: dst[k·Width()+r] = src[r·stride+k] for
// rows ≤ Width() and 0 ≤ k < depth. The panel's columns beyond rows become 0.
func Pack(dst, src []float32, stride, rows, depth int) {
	if depth <= 0 {
		return
	}
	width := active.width
	dst = dst[:depth*width]
	if rows < width {
		clear(dst)
	}
	r, fast := 0, depth&^7
	if active.transpose != nil && fast > 0 {
		for ; r+8 <= rows; r += 8 {
			_ = src[(r+7)*stride+depth-1]
			active.transpose(&dst[r], width, &src[r*stride], stride, fast)
			if fast < depth {
				transposeGeneric(dst[fast*width+r:], width, src[r*stride+fast:], stride, 8, depth-fast)
			}
		}
	}
	if r < rows {
		transposeGeneric(dst[r:], width, src[r*stride:], stride, rows-r, depth)
	}
}
