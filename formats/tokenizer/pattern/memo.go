package pattern

// memo remembers from where the rest of a pattern does not match. A pattern
// matches from an instruction and a place, or it does not, however it came
// there: with the memory, the time for a match is at most the length of the
// program times that of the text, as in Go's own package regexp, where
// backtracking alone can take twice as long for every further character.
type memo struct {
	bits []uint64
	from int // the place of the first bit
}

// memoAfter is how many tries are made without the memory, which ordinary text
// never needs. Tests change it.
var memoAfter = 1 << 12

const memoBits = 1 << 26 // of program times text

// triedBefore reports whether the matcher has come back to an instruction of a
// program of the given length at a place before, and takes note of it. Places
// lie between from, where the match began, and end.
func (m *matcher) triedBefore(program, pc, from, pos, end int) bool {
	if m.tries++; m.tries < memoAfter {
		return false
	}
	if m.failed.bits == nil {
		size := program * (end - from + 1)
		if size > memoBits || !m.work.Spend(size/64) {
			m.tries = 0 // too much to remember: ask again later, from further on
			return false
		}
		m.failed = memo{make([]uint64, size/64+1), from}
	}
	at := program*(pos-m.failed.from) + pc
	word, bit := &m.failed.bits[at/64], uint64(1)<<(at%64)
	if *word&bit != 0 {
		return true
	}
	*word |= bit
	return false
}
