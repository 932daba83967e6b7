package decode

import "encoding/binary"

// bitsAt returns b bits from a bit on, the lowest first.
func bitsAt(p []byte, bit, b int) int {
	at := bit / 8
	var w uint32
	for i := 0; i*8 < bit%8+b; i++ {
		w |= uint32(p[at+i]) << (8 * i)
	}
	return int(w >> (bit % 8) & (1<<b - 1))
}

// columns gathers words that lie below each other: for n columns from first
// on, of a matrix of lines with width words, the bytes of each column.
func columns(p []byte, width, first, n int64) [][]byte {
	lines := int64(len(p)) / 4 / width
	out := make([][]byte, n)
	for c := range n {
		out[c] = make([]byte, 0, 4*lines)
		for l := range lines {
			out[c] = append(out[c], p[4*(l*width+first+c):][:4]...)
		}
	}
	return out
}

// planar returns number i of b bits that are spread over planes: every 32
// numbers have b words, those of the lowest plane first.
func planar(p []byte, i, b int) int {
	base, value, done := i/32*b*32, 0, 0
	for _, width := range []int{8, 4, 2, 1} {
		if done+width <= b {
			value |= bitsAt(p, base+done*32+i%32*width, width) << done
			done += width
		}
	}
	return value
}

// addOnes adds one to every field of b bits of all words, with carries.
func addOnes(p []byte, b int) {
	ones := uint32(0)
	for bit := 0; bit < 32; bit += b {
		ones |= 1 << bit
	}
	for i := 0; i+4 <= len(p); i += 4 {
		binary.LittleEndian.PutUint32(p[i:], binary.LittleEndian.Uint32(p[i:])+ones)
	}
}
