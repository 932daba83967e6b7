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

// note marks an instruction at a place, and reports whether it was marked.
func (f memo) note(at int) bool {
	word, bit := &f.bits[at/64], uint64(1)<<(at%64)
	if *word&bit != 0 {
		return true
	}
	*word |= bit
	return false
}
