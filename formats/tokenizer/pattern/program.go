package pattern

type op uint8

const (
	opSet      op = iota + 1 // one character of set
	opRun                    // min to max characters of set, as many as possible
	opSplit                  // try x, then y
	opJump                   // to x
	opLook                   // sub matches here (not, with negate)
	opAtomic                 // sub, without coming back into it
	opBegin                  // begin of text
	opEnd                    // end of text or of a line
	opLast                   // end of text
	opBoundary               // word boundary
	opMatch
)

type inst struct {
	op       op
	negate   bool
	set      *runeSet
	sub      []inst
	x, y     int
	min, max int
}

const (
	maxPattern = 1 << 16 // bytes
	maxProgram = 1 << 12 // instructions
	maxFrames  = 1 << 20 // points to come back to
)
