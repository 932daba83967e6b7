package block

// A Book lists which magnitudes neighbouring values of a grid can have
// together. A code has the number of each level, from the lowest magnitude on.
// With Sets it lists levels, which those with an even number and those with an
// odd one have each a set of, and so many values have theirs of one of them.
type Book struct {
	Dims, Bits int  // values in a code, bits of each
	Even       bool // of eight values an even number is negative
	Sets       int
	coder      func() *coder
}

// Near returns the codes near one that the book does not have, nil where it
// has it.
func (b *Book) Near(code uint16) []uint16 {
	c := b.coder()
	if place := c.place[code]; place < 0 {
		return c.neighbours(place)
	}
	return nil
}

// bookLayout is how a type stores the codes of eight values, their signs and
// the scale of a sub-block. What it puts is zero before.
type bookLayout struct {
	gridFormat
	get      func(src []byte, i int) (low, high int, signs uint8)
	put      func(dst []byte, i, low, high int, signs uint8)
	getScale func(src []byte, j int) uint8
}

// gridOfBook is the grid of a type with a codebook, whose scales stand for odd
// numbers.
func gridOfBook(f bookLayout, magnitudes ...float32) Grid {
	book := &Book{Dims: f.dims, Bits: f.bits, Even: f.even, coder: f.coder}
	var levels []float32
	for i := len(magnitudes) - 1; i >= 0; i-- {
		levels = append(levels, -magnitudes[i])
	}
	levels = append(levels, magnitudes...)
	zero := len(magnitudes)
	return Grid{
		Block: superLen, Sub: f.size, Levels: levels, ScaleLow: 1, ScaleHigh: 31, ScaleStep: 2, Book: book,
		Unpack: func(c *Codes, src []byte) {
			codes := f.coder().codes
			c.D, c.DMin, c.Min = half(src), 0, [16]int32{}
			for j := range superLen / f.size {
				c.Scale[j] = 1 + 2*int32(f.getScale(src, j))
			}
			for i := range superLen / 8 {
				low, high, signs := f.get(src, i)
				for k := range 8 {
					code := codes[low]
					if k >= f.dims {
						code = codes[high]
					}
					level := int(code >> (k % f.dims * f.bits) & (1<<f.bits - 1))
					if signs>>k&1 != 0 {
						level = ^level
					}
					c.Level[8*i+k] = uint8(zero + level)
				}
			}
		},
		Pack: func(dst []byte, c *Codes) {
			clear(dst)
			putHalf(dst, c.D)
			for j := range superLen / f.size {
				f.putScale(dst, j, uint8(c.Scale[j]/2))
			}
			place := f.coder().place
			for i := range superLen / 8 {
				var codes [2]uint16
				var signs uint8
				for k, l := range c.Level[8*i:][:8] {
					level := int(l) - zero
					if level < 0 {
						level, signs = ^level, signs|1<<k
					}
					codes[k/f.dims] |= uint16(level) << (k % f.dims * f.bits)
				}
				f.put(dst, i, int(place[codes[0]]), int(place[codes[1]]), signs)
			}
		},
	}
}

// putSeven stores seven signs of eight values among those of 32.
func putSeven(dst []byte, i int, signs uint8) {
	le.PutUint32(dst, le.Uint32(dst)|uint32(signs&127)<<(7*(i%4)))
}

// The grids of the types with codebooks of magnitudes.
var (
	GridIQ3_XXS = gridOfBook(bookLayout{
		gridFormat: iq3xxs,
		get: func(src []byte, i int) (int, int, uint8) {
			return int(src[2+2*i]), int(src[3+2*i]), evenSigns(le.Uint32(src[66+i/4*4:]) >> (7 * (i % 4)))
		},
		put: func(dst []byte, i, low, high int, signs uint8) {
			dst[2+2*i], dst[3+2*i] = uint8(low), uint8(high)
			putSeven(dst[66+i/4*4:], i, signs)
		},
		getScale: func(src []byte, j int) uint8 { return src[69+4*j] >> 4 },
	}, 1, 3, 5, 7, 9, 11, 13, 15.5)
	GridIQ3_S = gridOfBook(bookLayout{
		gridFormat: iq3s,
		get: func(src []byte, i int) (int, int, uint8) {
			high := int(src[66+i/4]) >> (i % 4 * 2)
			return int(src[2+2*i]) | high&1<<8, int(src[3+2*i]) | high>>1&1<<8, src[74+i]
		},
		put: func(dst []byte, i, low, high int, signs uint8) {
			dst[2+2*i], dst[3+2*i] = uint8(low), uint8(high)
			dst[66+i/4] |= uint8((low>>8 | high>>8<<1) << (i % 4 * 2))
			dst[74+i] = signs
		},
		getScale: func(src []byte, j int) uint8 { return src[106+j/2] >> (j % 2 * 4) & 15 },
	}, 1, 3, 5, 7, 9, 11, 13, 15)
	GridIQ2_XXS = gridOfBook(bookLayout{
		gridFormat: iq2xxs,
		get: func(src []byte, i int) (int, int, uint8) {
			return int(src[2+i/4*8+i%4]), 0, evenSigns(le.Uint32(src[6+i/4*8:]) >> (7 * (i % 4)))
		},
		put: func(dst []byte, i, low, _ int, signs uint8) {
			dst[2+i/4*8+i%4] = uint8(low)
			putSeven(dst[6+i/4*8:], i, signs)
		},
		getScale: func(src []byte, j int) uint8 { return src[9+8*j] >> 4 },
	}, ternaryMagnitudes...)
	GridIQ2_XS = gridOfBook(bookLayout{
		gridFormat: iq2xs,
		get: func(src []byte, i int) (int, int, uint8) {
			q := le.Uint16(src[2+2*i:])
			return int(q & 511), 0, evenSigns(uint32(q >> 9))
		},
		put: func(dst []byte, i, low, _ int, signs uint8) {
			le.PutUint16(dst[2+2*i:], uint16(low)|uint16(signs&127)<<9)
		},
		getScale: func(src []byte, j int) uint8 { return src[66+j/2] >> (j % 2 * 4) & 15 },
	}, ternaryMagnitudes...)
	GridIQ2_S = gridOfBook(bookLayout{
		gridFormat: iq2s,
		get: func(src []byte, i int) (int, int, uint8) {
			return int(src[2+i]) | int(src[66+i/4])>>(i%4*2)&3<<8, 0, src[34+i]
		},
		put: func(dst []byte, i, low, _ int, signs uint8) {
			dst[2+i], dst[34+i] = uint8(low), signs
			dst[66+i/4] |= uint8(low >> 8 << (i % 4 * 2))
		},
		getScale: func(src []byte, j int) uint8 { return src[74+j/2] >> (j % 2 * 4) & 15 },
	}, ternaryMagnitudes...)
)

// ternaryMagnitudes are what levels stand for where the scale is one.
var ternaryMagnitudes = []float32{1, 3.125, 5.375}
