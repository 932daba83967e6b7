package block

// shiftLayout is how a type on a codebook of shifted levels stores the codes of
// eight values, the direction of their shift and the scale of a sub-block. What
// it puts is zero before.
type shiftLayout struct {
	sub, sets int
	getD      func(src []byte) float32
	putD      func(dst []byte, d float32)
	get       func(src []byte, i int) (rank uint16, down uint8)
	put       func(dst []byte, i int, rank uint16, down uint8)
	getScale  func(src []byte, j int) uint8
	putScale  func(dst []byte, j int, scale uint8)
}

// gridOfShifts is the grid of such a type: of its six levels those that are
// shifted down come by turns with those that are shifted up.
func gridOfShifts(f shiftLayout) Grid {
	var levels []float32
	for l := range 3 {
		levels = append(levels, values1[1][l], values1[0][l])
	}
	return Grid{
		Block: superLen, Sub: f.sub, Levels: levels, ScaleLow: 1, ScaleHigh: 15, ScaleStep: 2,
		Book: &Book{Dims: 8, Bits: 2, Sets: f.sets, coder: coder1x2048},
		Unpack: func(c *Codes, src []byte) {
			codes := codes1x2048().codes
			c.D, c.DMin, c.Min = f.getD(src), 0, [16]int32{}
			for j := range superLen / f.sub {
				c.Scale[j] = 1 + 2*int32(f.getScale(src, j))
			}
			for i := range superLen / 8 {
				rank, down := f.get(src, i)
				for k := range 8 {
					c.Level[8*i+k] = 2*uint8(codes[rank]>>(2*k)&3) + 1 - down
				}
			}
		},
		Pack: func(dst []byte, c *Codes) {
			clear(dst)
			for j := range superLen / f.sub {
				f.putScale(dst, j, uint8(c.Scale[j]/2))
			}
			place := coder1x2048().place
			for i := range superLen / 8 {
				var code uint16
				for k, l := range c.Level[8*i:][:8] {
					code |= uint16(l/2) << (2 * k)
				}
				f.put(dst, i, uint16(place[code]), 1-c.Level[8*i]&1)
			}
			f.putD(dst, c.D)
		},
	}
}

// The grids of the types on a codebook of shifted levels.
var (
	GridIQ1_S = gridOfShifts(shiftLayout{
		sub: 32, sets: 32, getD: half, putD: func(dst []byte, d float32) { putHalf(dst, d) },
		get: func(src []byte, i int) (uint16, uint8) {
			high := le.Uint16(src[34+i/4*2:])
			return uint16(src[2+i]) | high>>(i%4*3)&7<<8, uint8(high >> 15)
		},
		put: func(dst []byte, i int, rank uint16, down uint8) {
			dst[2+i] = uint8(rank)
			at := dst[34+i/4*2:]
			le.PutUint16(at, le.Uint16(at)|rank>>8<<(i%4*3)|uint16(down)<<15)
		},
		getScale: func(src []byte, j int) uint8 { return src[35+2*j] >> 4 & 7 },
		putScale: func(dst []byte, j int, scale uint8) { dst[35+2*j] = scale << 4 },
	})
	GridIQ1_M = gridOfShifts(shiftLayout{
		sub: 16, sets: 8, getD: getHalf1, putD: putHalf1,
		get: func(src []byte, i int) (uint16, uint8) {
			high := src[32+i/2] >> (i % 2 * 4)
			return uint16(src[i]) | uint16(high&7)<<8, high >> 3 & 1
		},
		put: func(dst []byte, i int, rank uint16, down uint8) {
			dst[i] = uint8(rank)
			dst[32+i/2] |= (uint8(rank>>8) | down<<3) << (i % 2 * 4)
		},
		getScale: func(src []byte, j int) uint8 { return uint8(le.Uint16(src[48+j/4*2:]) >> (j % 4 * 3) & 7) },
		putScale: func(dst []byte, j int, scale uint8) {
			at := dst[48+j/4*2:]
			le.PutUint16(at, le.Uint16(at)|uint16(scale)<<(j%4*3))
		},
	})
)
