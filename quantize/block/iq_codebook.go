package block

import (
	_ "embed"
	"sync"
)

// A codebook is the set of points that an IQ type can store for a group of
// weights: of the 3^8 patterns of eight levels 0…2, or of the 8^4 patterns of
// four levels 0…7, those that occur most in real models. A point is packed
// into a code, two bits per level in the first case and three in the second,
// low bits first; blocks store the rank of a code in the ascending set.
type codebook struct {
	dims, bits int      // levels in a code; bits of each
	codes      []uint16 // by rank
}

// codebookBits holds one membership bit per point of the whole lattice, book
// after book, each in whole bytes. internal/fixtures/codebooks makes it from
// the tables of the gguf package.
//
//go:embed iq_codebooks.bin
var codebookBits []byte

const (
	ternaryBook = (6561 + 7) / 8 // bytes of a set of eight ternary levels
	octalBook   = 4096 / 8       // and of four octal ones
)

// The books in the order of the file; the number is their size.
var (
	codes2x256  = sync.OnceValue(func() *codebook { return readBook(0, 256, ternary) })
	codes2x512  = sync.OnceValue(func() *codebook { return readBook(ternaryBook, 512, ternary) })
	codes2x1024 = sync.OnceValue(func() *codebook { return readBook(2*ternaryBook, 1024, ternary) })
	codes1x2048 = sync.OnceValue(func() *codebook { return readBook(3*ternaryBook, 2048, ternary) })
	codes3x256  = sync.OnceValue(func() *codebook { return readBook(4*ternaryBook, 256, octal) })
	codes3x512  = sync.OnceValue(func() *codebook { return readBook(4*ternaryBook+octalBook, 512, octal) })
)

// A lattice is the shape of a code.
type lattice struct{ dims, bits, levels int }

var (
	ternary = lattice{dims: 8, bits: 2, levels: 3}
	octal   = lattice{dims: 4, bits: 3, levels: 8}
)

// points counts the codes of the whole lattice.
func (l lattice) points() int {
	n := 1
	for range l.dims {
		n *= l.levels
	}
	return n
}

// code packs the point whose levels are the digits of n in base l.levels.
func (l lattice) code(n int) (code uint16) {
	for i := range l.dims {
		code |= uint16(n%l.levels) << (i * l.bits)
		n /= l.levels
	}
	return code
}

// readBook collects the members of the set at offset; there are size of them.
func readBook(offset, size int, l lattice) *codebook {
	b := &codebook{dims: l.dims, bits: l.bits, codes: make([]uint16, 0, size)}
	for n := range l.points() {
		if codebookBits[offset+n/8]>>(n%8)&1 != 0 {
			b.codes = append(b.codes, l.code(n))
		}
	}
	return b
}
