package block

// Layouts of levels and scales within a super-block of 256 values.

// pick is the bits of mask of eight bytes, after a shift.
func pick(levels []uint8, shift int, mask uint64) uint64 {
	return le.Uint64(levels) >> shift & (mask * 0x0101010101010101)
}

// unpackPairs is the inverse of kernel.PackPairs.
func unpackPairs(levels *[superLen]uint8, src []byte) {
	for h := range 2 {
		levels := levels[128*h:][:128]
		for i, b := range src[32*h:][:32] {
			levels[i], levels[i+32], levels[i+64], levels[i+96] = b&3, b>>2&3, b>>4&3, b>>6
		}
	}
}

// packNibbles stores the low four bits of all levels in 128 bytes: byte b of
// each quarter of 64 values holds values b and b+32.
func packNibbles(dst []byte, levels *[superLen]uint8) {
	for q := range 4 {
		dst, levels := dst[32*q:][:32], levels[64*q:][:64]
		for b := 0; b < len(dst); b += 8 {
			le.PutUint64(dst[b:], pick(levels[b:], 0, 15)|pick(levels[b+32:], 0, 15)<<4)
		}
	}
}

func unpackNibbles(levels *[superLen]uint8, src []byte) {
	for q := range 4 {
		levels := levels[64*q:][:64]
		for i, b := range src[32*q:][:32] {
			levels[i], levels[i+32] = b&15, b>>4
		}
	}
}

// unpackBits adds the bits stored by kernel.PackBits to levels.
func unpackBits(levels *[superLen]uint8, src []byte, bit int) {
	for b, v := range src[:32] {
		for r := range 8 {
			levels[32*r+b] |= v >> r & 1 << bit
		}
	}
}

// putScales4 stores 16 scales in the low and 16 minima in the high nibbles.
func putScales4(block []byte, scales, mins [16]uint8) {
	for j := range 16 {
		block[j] = scales[j] | mins[j]<<4
	}
}

func scales4(block []byte) (scales, mins [16]uint8) {
	for j, b := range block[:16] {
		scales[j], mins[j] = b&15, b>>4
	}
	return scales, mins
}

// putScales6 stores 8 scales and 8 minima of six bits in bytes 4…15: the
// first four of each whole in four bytes, the low nibbles of the rest in four
// more, and their high bits on top of the former.
func putScales6(block []byte, scales, mins [16]uint8) {
	b := block[4:16]
	for j := range 4 {
		b[j] = scales[j] | scales[j+4]>>4<<6
		b[j+4] = mins[j] | mins[j+4]>>4<<6
		b[j+8] = scales[j+4]&15 | mins[j+4]<<4
	}
}

func scales6(block []byte) (scales, mins [16]uint8) {
	b := block[4:16]
	for j := range 4 {
		scales[j], mins[j] = b[j]&63, b[j+4]&63
		scales[j+4] = b[j+8]&15 | b[j]>>6<<4
		mins[j+4] = b[j+8]>>4 | b[j+4]>>6<<4
	}
	return scales, mins
}
