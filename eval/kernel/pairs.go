package kernel

import "math"

// A product of pairs takes two columns k and l of a and b with one
// multiplication, after Winograd ("A New Algorithm for Inner Product", 1968):
//
//	(a[k]+b[l])·(a[l]+b[k]) = a[k]·b[k] + a[l]·b[l] + a[k]·a[l] + b[k]·b[l]
//
// The last two terms belong to a row of a or of b alone and are subtracted at
// the end. Processors that add beside their multipliers do so in less time.
// Rows are scaled by powers of two to a mean square between 1 and 4, so that
// sums lose no more digits than products do.
const (
	pairTurn     = 24 // columns: 8 pairs, each 8 apart, and 8 that are multiplied as they are
	pairDistance = 8
	pairStep     = 3 // columns of what is left: a pair, and one as it is; the last one or two are, too

	// PairFigures is the number of figures that follow the columns of a row:
	// the sum of its own pairs, and what undoes its scale.
	PairFigures = 2
)

// PairsFaster reports whether products of pairs are faster than others here.
func PairsFaster() bool { return pairsFaster }

// Pair prepares a row of columns and figures, whose figures are not set yet.
func Pair(row []float32) {
	x := row[:len(row)-PairFigures]
	square, fast := 0.0, len(x)&^7
	if active.pairSquares != nil && fast > 0 {
		square = active.pairSquares(&x[0], fast)
	} else {
		square = pairSquaresGeneric(x[:fast])
	}
	for _, v := range x[fast:] {
		square += float64(float64(v) * float64(v))
	}
	scale, back := pairScale(square / float64(len(x)))

	pairs, turns := float32(0), len(x)/pairTurn*pairTurn
	if active.pairRow != nil && turns > 0 {
		pairs = active.pairRow(&x[0], turns, scale)
	} else {
		pairs = pairRowGeneric(x[:turns], scale)
	}
	for i := turns; i < len(x); i++ {
		x[i] *= scale
	}
	for i := turns; i+pairStep <= len(x); i += pairStep {
		pairs += float32(x[i] * x[i+1])
	}
	row[len(x)], row[len(x)+1] = pairs, back
}

// pairSquaresGeneric sums the squares of a multiple of 8 elements.
func pairSquaresGeneric(x []float32) float64 {
	var sums [8]float64
	for i, v := range x {
		sums[i%8] += float64(float64(v) * float64(v))
	}
	return sumOfEight(sums)
}

// pairRowGeneric scales whole turns and sums their pairs.
func pairRowGeneric(x []float32, scale float32) float32 {
	var sums [8]float32
	for ; len(x) > 0; x = x[pairTurn:] {
		for i := range x[:pairTurn] {
			x[i] *= scale
		}
		for i := range pairDistance {
			sums[i] += float32(x[i] * x[i+pairDistance])
		}
	}
	return sumOfEight(sums)
}

func sumOfEight[T float32 | float64](s [8]T) T {
	return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
}

// pairScale returns the power of two that brings a mean square to between 1
// and 4, and its inverse, which of a row of zeros is 0: nothing of the other row's
// pairs is left in its products.
func pairScale(square float64) (scale, back float32) {
	if square == 0 {
		return 1, 0
	}
	exponent := int(math.Float64bits(square)>>52&0x7ff) - 1023
	if exponent == 1024 { // Inf and NaN stay what they are
		return 1, 1
	}
	half := min(max(exponent>>1, -120), 120)
	return math.Float32frombits(uint32(127-half) << 23), math.Float32frombits(uint32(127+half) << 23)
}

// GemmPairs is [Gemm] of rows that [Pair] has prepared, both those of a and
// those that [Pack] made the panel of: figures follow the columns of a, and
// rows of figures those of the panel.
func GemmPairs(rows, depth int, a []float32, lda int, b []float32, c []float32, ldc int, add bool) {
	if rows <= 0 || depth <= 0 {
		return
	}
	width := active.width
	_ = a[(rows-1)*lda+depth+PairFigures-1]
	_ = b[(depth+PairFigures)*width-1]
	_ = c[(rows-1)*ldc+width-1]
	if len(active.pairs) == 0 {
		gemmPairsGeneric(rows, depth, a, lda, b, width, c, ldc, add)
		return
	}
	tile(active.pairs, rows, depth, a, lda, b, c, ldc, add)
}

// gemmPairsGeneric is the specification of the product of pairs.
func gemmPairsGeneric(rows, depth int, a []float32, lda int, b []float32, width int, c []float32, ldc int, add bool) {
	turns := depth / pairTurn * pairTurn
	steps := turns + (depth-turns)/pairStep*pairStep
	for r := range rows {
		x := a[r*lda:][:depth+PairFigures]
		y := c[r*ldc:][:width]
		for n := range y {
			sum, at := float32(0), func(k int) float32 { return b[k*width+n] }
			for k := 0; k < turns; k += pairTurn {
				for i := k; i < k+pairDistance; i++ {
					j, alone := i+pairDistance, i+2*pairDistance
					sum += float32((x[i] + at(j)) * (x[j] + at(i)))
					sum += float32(x[alone] * at(alone))
				}
			}
			for k := turns; k < steps; k += pairStep {
				sum += float32((x[k] + at(k+1)) * (x[k+1] + at(k)))
				sum += float32(x[k+2] * at(k+2))
			}
			for k := steps; k < depth; k++ {
				sum += float32(x[k] * at(k))
			}
			sum = (sum - (x[depth] + at(depth))) * at(depth+1) * x[depth+1]
			if add {
				sum += y[n]
			}
			y[n] = sum
		}
	}
}
