package pattern

import "unicode"

// runeSet is a set of characters as a regular expression writes it: ranges,
// classes, nested sets, an intersection, a complement.
type runeSet struct {
	ranges  []rune  // pairs lo, hi
	classes []class // members of any of these
	nested  []*runeSet
	both    *runeSet // && : must be in this set too
	negate  bool
	fold    bool // (?i): any case variant may be the member
	ed      *Edition
	ascii   [2]uint64 // the answer for each ASCII character
	weight  int       // steps that a look-up is worth
}

// seal computes the ASCII bitmap; the set must not change afterwards.
func (s *runeSet) seal() *runeSet {
	s.weight = s.size() / 64
	for r := rune(0); r < 128; r++ {
		if s.lookup(r) {
			s.ascii[r>>6] |= 1 << (r & 63)
		}
	}
	return s
}

// size is the number of ranges and classes that a look-up may go through.
func (s *runeSet) size() int {
	n := 1 + len(s.ranges)/2 + len(s.classes)
	for _, in := range s.nested {
		n += in.size()
	}
	if s.both != nil {
		n += s.both.size()
	}
	return n
}

func (s *runeSet) has(r rune) bool {
	if uint32(r) < 128 {
		return s.ascii[r>>6]&(1<<(r&63)) != 0
	}
	return s.lookup(r)
}

func (s *runeSet) lookup(r rune) bool {
	in := s.member(r)
	if s.fold && !in && r >= 0 {
		for f := unicode.SimpleFold(r); f != r && !in; f = unicode.SimpleFold(f) {
			in = s.member(f)
		}
	}
	if in && s.both != nil {
		in = s.both.lookup(r)
	}
	return in != s.negate
}

func (s *runeSet) member(r rune) bool {
	for i := 0; i < len(s.ranges); i += 2 {
		if s.ranges[i] <= r && r <= s.ranges[i+1] {
			return true
		}
	}
	if len(s.classes) > 0 {
		c := s.ed.Of(r)
		for _, want := range s.classes {
			if c&want != 0 {
				return true
			}
		}
	}
	for _, n := range s.nested {
		if n.lookup(r) {
			return true
		}
	}
	return false
}

// properties are the names in \p{...}.
var properties = map[string]class{
	"L": letter, "Lu": upper, "Ll": lower, "Lt": title, "Lm": modifier, "Lo": other, "M": Mark,
	"N": Numeric, "Nd": digit, "P": Punct, "S": Symbol, "Han": han, "Script=Han": han, "IsHan": han,
	"Letter": letter, "Mark": Mark, "Number": Numeric, "Punctuation": Punct, "Symbol": Symbol,
	"White_Space": Space, "Space": Space,
}

// escapes are the sets after a backslash and a small letter.
var escapes = map[byte]runeSet{
	's': {classes: []class{Space}},
	'd': {classes: []class{digit}},
	'w': {classes: []class{letter, Mark, Numeric}, ranges: []rune{'_', '_', 0x203F, 0x2040, 0x2054, 0x2054, 0xFE33, 0xFE34, 0xFE4D, 0xFE4F, 0xFF3F, 0xFF3F}},
	'h': {ranges: []rune{'0', '9', 'a', 'f', 'A', 'F'}},
}

var controlEscapes = map[byte]rune{'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', 'f': '\f', 'a': '\a', 'e': 0x1B, '0': 0}
