package pattern

// The classes, by general category or script.
const (
	upper    class = 1 << iota // Lu
	lower                      // Ll
	title                      // Lt
	modifier                   // Lm
	other                      // Lo
	Mark                       // M
	digit                      // Nd
	number                     // N except Nd
	Punct                      // P
	Symbol                     // S
	Space                      // White_Space
	han                        // script Han

	letter  = upper | lower | title | modifier | other
	Numeric = digit | number
)

// class is a set of properties of one code point, as far as tokenizers ask.
type class uint16
