package block

// floatLevels are the values of 4-bit floats, doubled, rising.
var floatLevels = func() (levels []float32) {
	for i := range uint8(15) {
		levels = append(levels, e2m1[floatCode(i)])
	}
	return levels
}()

// floatCode is the code of a level, and floatLevel the reverse. Minus zero is
// read as zero, and not written.
func floatCode(level uint8) uint8 {
	if level < 7 {
		return 15 - level
	}
	return level - 7
}

func floatLevel(code uint8) uint8 {
	if code < 8 {
		return 7 + code
	}
	return 15 - code
}

// gridOfFloats is the grid of a type of 4-bit floats whose sub-blocks have
// scales of eight bits, one after the other, and then their codes.
func gridOfFloats(size, sub int, scales []float32) Grid {
	n := size / sub
	return Grid{
		Block: size, Sub: sub, Levels: floatLevels, ScaleHigh: int32(len(scales) - 1), Scales: scales,
		Unpack: func(c *Codes, src []byte) {
			c.D, c.DMin = 1, 0
			for j := range n {
				c.Scale[j], c.Min[j] = int32(src[j]), 0
				for i, b := range src[n+j*sub/2:][:sub/2] {
					c.Level[j*sub+i], c.Level[j*sub+i+sub/2] = floatLevel(b&15), floatLevel(b>>4)
				}
			}
		},
		Pack: func(dst []byte, c *Codes) {
			for j := range n {
				dst[j] = uint8(c.Scale[j])
				for i := range sub / 2 {
					dst[n+j*sub/2+i] = floatCode(c.Level[j*sub+i]) | floatCode(c.Level[j*sub+i+sub/2])<<4
				}
			}
		},
	}
}

// table lists what the first scales stand for.
func table(count int, value func(uint8) float32) (list []float32) {
	for i := range count {
		list = append(list, value(uint8(i)))
	}
	return list
}

// The grids of the types of 4-bit floats. The last scale of either is no
// number.
var (
	GridMXFP4 = gridOfFloats(32, 32, table(255, halfE8M0))
	GridNVFP4 = gridOfFloats(64, 16, table(127, halfUE4M3))
)
