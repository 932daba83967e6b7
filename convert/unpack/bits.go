package unpack

import "encoding/binary"

// A layout finds code i among packed words of 32 bits. Every 32 codes of b
// bits fill b words, unless no word holds a part of a code.
type layout struct {
	bits   int
	per    int         // codes in a word, where a word holds none in part; 0 where all bits are used
	planar [32][]field // of the codes of a period, where they are not one after the other
}

// field is part of a code: bits from a place in a word, moved to their place
// in the code.
type field struct{ word, shift, mask, to uint8 }

// stream is the layout of codes that follow each other without gaps, across
// the ends of words.
func stream(bits int) *layout { return &layout{bits: bits} }

// padded is the layout of codes of which no word holds a part.
func padded(bits int) *layout { return &layout{bits: bits, per: 32 / bits} }

// planes is the layout in planes of 4 or 8, 2 and 1 bits, the lowest first, each
// in words of its own.
func planes(bits int) *layout {
	l := &layout{bits: bits}
	word, at := 0, 0
	for _, width := range []int{8, 4, 2, 1} {
		if at+width > bits {
			continue
		}
		for i := range l.planar {
			bit := i * width
			l.planar[i] = append(l.planar[i], field{uint8(word + bit/32), uint8(bit % 32), uint8(1<<width - 1), uint8(at)})
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

// within finds some of count codes: the words that they lie in, and how many
// codes of those precede them.
func (l *layout) within(first, n, count int64) (from, to, skip int64) {
	period, words := int64(32), int64(l.bits)
	if l.per > 0 {
		period, words = int64(l.per), 1
	}
	return first / period * words, min((first+n+period-1)/period*words, l.words(count)), first % period
}

// line unpacks codes that are packed along words that lie next to each other.
func (l *layout) line(dst, words []byte) {
	switch {
	case l.planar[0] != nil:
		for i := range dst {
			period, code := i/32*l.bits, uint32(0)
			for _, f := range l.planar[i%32] {
				w := binary.LittleEndian.Uint32(words[4*(period+int(f.word)):])
				code |= w >> f.shift & uint32(f.mask) << f.to
			}
			dst[i] = byte(code)
		}
	case l.per > 0:
		for mask := uint32(1)<<l.bits - 1; len(dst) > 0; words = words[4:] {
			n := min(l.per, len(dst))
			w := binary.LittleEndian.Uint32(words)
			for i := range dst[:n] {
				dst[i] = byte(w & mask)
				w >>= l.bits
			}
			dst = dst[n:]
		}
	case l.bits == 8:
		copy(dst, words)
	default:
		if l.bits == 4 {
			dst, words = nibbles(dst, words)
		}
		for len(dst) >= 8 && len(words) >= 8 {
			eight(dst[:8], binary.LittleEndian.Uint64(words), l.bits)
			dst, words = dst[8:], words[l.bits:]
		}
		for len(dst) > 0 {
			var last, codes [8]byte
			n := copy(last[:], words)
			eight(codes[:], binary.LittleEndian.Uint64(last[:]), l.bits)
			dst, words = dst[copy(dst, codes[:]):], words[min(l.bits, n):]
		}
	}
}

// nibbles unpacks codes of 4 bits, sixteen at a time, and returns the rest.
func nibbles(dst, words []byte) ([]byte, []byte) {
	for len(dst) >= 16 && len(words) >= 8 {
		w := binary.LittleEndian.Uint64(words)
		binary.LittleEndian.PutUint64(dst, spread(uint32(w)))
		binary.LittleEndian.PutUint64(dst[8:], spread(uint32(w>>32)))
		dst, words = dst[16:], words[8:]
	}
	return dst, words
}

// eight unpacks eight codes from the low bits of a word.
func eight(dst []byte, w uint64, bits int) {
	dst = dst[:8:8]
	for mask, i := uint64(1)<<bits-1, 0; i < 8; i++ {
		dst[i] = byte(w >> (i * bits) & mask)
	}
}

// spread gives each of eight codes of 4 bits a byte.
func spread(w uint32) uint64 {
	x := uint64(w)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	return (x | x<<4) & 0x0f0f0f0f0f0f0f0f
}

// down unpacks codes that are packed along the columns of a matrix of words,
// of which there are n: dst is its transpose, n lines of count codes.
func (l *layout) down(dst, words []byte, n, count int64) {
	const apart = 64 // keeps columns off the same places of a cache
	height := l.words(count)
	size := 4*height + apart
	buffer := scratch.get(n * size)
	defer scratch.Put(buffer)
	columns := *buffer
	for i := range height {
		line := words[4*n*i : 4*n*(i+1)]
		for c, at := int64(0), 4*i; c < n; c, at = c+1, at+size {
			binary.LittleEndian.PutUint32(columns[at:], binary.LittleEndian.Uint32(line[4*c:]))
		}
	}
	for c := range n {
		l.line(dst[c*count:(c+1)*count], columns[c*size:c*size+4*height])
	}
}
