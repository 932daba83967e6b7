package unpack

import "encoding/binary"

// A layout finds code i among packed words of 32 bits: it is made of fields,
// each of some bits of one word. Every 32 codes of b bits fill b words.
type layout struct {
	bits   int
	fields [32][]field // of the codes of a period
	per    int         // codes in a word, where a word holds none in part; 0 where all bits are used
}

// field is part of a code: bits from a place in a word, moved to their place
// in the code.
type field struct{ word, shift, mask, to uint8 }

// stream is the layout of codes that follow each other without gaps, across
// the ends of words.
func stream(bits int) *layout {
	l := &layout{bits: bits}
	for i := range l.fields {
		for at := 0; at < bits; {
			bit := i*bits + at
			n := min(bits-at, 32-bit%32)
			l.fields[i] = append(l.fields[i], field{uint8(bit / 32), uint8(bit % 32), uint8(1<<n - 1), uint8(at)})
			at += n
		}
	}
	return l
}

// planes is the layout in planes of 4 or 8, 2 and 1 bits, the lowest first, each
// in words of its own.
func planes(bits int) *layout {
	l := &layout{bits: bits}
	word, at := 0, 0
	for _, width := range []int{8, 4, 2, 1} {
		if at+width > bits {
			continue
		}
		for i := range l.fields {
			bit := i * width
			l.fields[i] = append(l.fields[i], field{uint8(word + bit/32), uint8(bit % 32), uint8(1<<width - 1), uint8(at)})
		}
		word, at = word+width, at+width
	}
	return l
}

// words is the number of words that n codes take, with the last word full.
func (l *layout) words(n int64) int64 {
	if l.per > 0 {
		return (n + int64(l.per) - 1) / int64(l.per)
	}
	return (n*int64(l.bits) + 31) / 32
}

// line unpacks codes that are packed along words that lie next to each other.
func (l *layout) line(dst []int16, words []byte) {
	if l.bits == 4 {
		nibbles(dst, words)
		return
	}
	if per := max(l.per, 32/l.bits); l.per > 0 || 32%l.bits == 0 {
		mask := uint32(1)<<l.bits - 1
		for len(dst) > 0 {
			w := binary.LittleEndian.Uint32(words)
			for i := range dst[:min(per, len(dst))] {
				dst[i] = int16(w & mask)
				w >>= l.bits
			}
			dst, words = dst[min(per, len(dst)):], words[4:]
		}
		return
	}
	for i := range dst {
		period, fields := i/32*l.bits, l.fields[i%32]
		code := uint32(0)
		for _, f := range fields {
			w := binary.LittleEndian.Uint32(words[4*(period+int(f.word)):])
			code |= w >> f.shift & uint32(f.mask) << f.to
		}
		dst[i] = int16(code)
	}
}

// nibbles unpacks codes of 4 bits.
func nibbles(dst []int16, words []byte) {
	for len(dst) >= 8 {
		w, d := binary.LittleEndian.Uint32(words), dst[:8:8]
		d[0], d[1], d[2], d[3] = int16(w&15), int16(w>>4&15), int16(w>>8&15), int16(w>>12&15)
		d[4], d[5], d[6], d[7] = int16(w>>16&15), int16(w>>20&15), int16(w>>24&15), int16(w>>28)
		dst, words = dst[8:], words[4:]
	}
	for i := range dst {
		dst[i] = int16(words[i/2] >> (i % 2 * 4) & 15)
	}
}

// down unpacks codes that are packed along the columns of a matrix of words
// with n columns: dst is its transpose, n lines of count codes.
func (l *layout) down(dst []int16, words []byte, n, count int64) {
	column := make([]byte, 4*l.words(count))
	for c := range n {
		for at, to := 4*c, 0; to < len(column); at, to = at+4*n, to+4 {
			binary.LittleEndian.PutUint32(column[to:], binary.LittleEndian.Uint32(words[at:]))
		}
		l.line(dst[c*count:(c+1)*count], column)
	}
}
