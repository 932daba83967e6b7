package kernel

// A variant is a set of assembly kernels; the pure Go code stands in for those
// that are nil. Pointers to values of a Scratch are to lane 0 or 16 of X: all
// that belongs to these lanes is at known distances from there.
type variant struct {
	name  string
	lanes int // that weigh and searchScale take at a time, 16 or 32

	load              func(t, x *float32, halves, n int)
	weigh             [Given + 1]func(x *float32, n int)
	searchMin         [2]minKernel // for at most 16 lanes and for 32
	searchMinAbsolute [2]minKernel
	searchScale       func(x *float32, n int, tops *float32, count int, nmax float32)
	searchPositive    func(x *float32, n int, tops *float32, count int, nmax float32)
	descend           func(x *float32, n int, nmax float32)
	settle            func(x *float32, n int, nmax float32) uint32
	searchNonLinear   func(x *float32, n int, tops *float32, count int)
	nonLinearLevels   func(dst *byte, stride int, src *float32, groups int, inverse *float32)
	divide, multiply  roundKernel
	halfUp, away      roundKernel
	extremes          [2]func(dst, x *float32, runs int) // of 16 values, and of 32
	bounds            func(low, high, x *float32, runs int)
	packBits          [2]func(dst, levels *uint8) // of the third bit, and the fifth
	packPairs         func(dst, levels *uint8)
	packSix           func(dst, levels *uint8)
	greatest16        func(src *byte, n int) uint16
	greatest32        func(src *byte, n int) uint32
	whole             [forms]wholeKernel
	mxfp4, nvfp4      floatsKernel
	magnitudes16      func(dst, src *float32, groups int)
	magnitudes32      func(dst, src *float32, groups int)
	importance        func(w, x, weights *float32, octets int, variance float32)
	prepare           [2]prepareKernel // the second makes minuses even
	spreadTries       func(tries, numerators *float32, octets int, limit float32)
	bestTries         func(sums *float32, n, blocks int, best *uint32)
	oneShift          ternaryKernels
	twoShifts         ternaryKernels
	round             [2]roundGroups // ternary and octal
	try               [2]tryKernel
	nearest           [2]answerKernel
	sumTernary        [2]sumKernel // of up to 16 tries, and 24
	sumOctal          [2]sumKernel // of up to 24, and 32
	nearTernary       nearKernel
	fewTernary        fewKernel
}

// A minKernel searches 16 or 32 lanes at a time. The bits that search returns
// are those of lanes where a level may be out of the range in which its
// rounding equals Nearest.
type minKernel struct {
	lanes  int
	search func(x *float32, n int, trials *float32, count int, nmax float32) uint32
}

type roundKernel func(levels *uint8, x *float32, count, n int, scale, offset *float32, low, high int32)

// pure is the variant without assembly.
var pure = variant{name: "go"}

// active is the variant in use.
var active = variants()[0]
