package vec

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Integers in memory.

// armPlace is the text of a place, and the register in it where it is not the scratch register.
func armPlace(m Mem) (text string, base []any) {
	if m.Index == nil {
		return "%d(%s)", []any{m.Disp, m.Base}
	}
	armBase(m)
	return "%d(R16)", []any{m.Disp}
}

func armLoadInteger(instruction string, m Mem) reg.GPVirtual {
	out := GP64()
	place, args := armPlace(m)
	armText(instruction+" "+place+", %s", append(args, out)...)
	return out
}

func armStoreInteger(instruction string, m Mem, r reg.GPVirtual) {
	place, args := armPlace(m)
	armText(instruction+" %s, "+place, append([]any{r}, args...)...)
}

// StoreByte stores the lowest byte of an integer.
func StoreByte(to Mem, r reg.GPVirtual) {
	if ISA == NEON {
		armStoreInteger("MOVB", to, r)
	} else {
		MOVB(r.As8(), to)
	}
}

// StoreWord stores the lower half of an integer.
func StoreWord(to Mem, r reg.GPVirtual) {
	if ISA == NEON {
		armStoreInteger("MOVW", to, r)
	} else {
		MOVL(r.As32(), to)
	}
}

// StoreInteger stores an integer.
func StoreInteger(to Mem, r reg.GPVirtual) {
	if ISA == NEON {
		armStoreInteger("MOVD", to, r)
	} else {
		MOVQ(r, to)
	}
}

// IntegerAt loads an integer.
func IntegerAt(from Mem) reg.GPVirtual {
	if ISA == NEON {
		return armLoadInteger("MOVD", from)
	}
	out := GP64()
	MOVQ(from, out)
	return out
}

// UnsignedHalfAt loads 16 bits.
func UnsignedHalfAt(from Mem) reg.GPVirtual {
	if ISA == NEON {
		return armLoadInteger("MOVHU", from)
	}
	out := GP64()
	MOVWQZX(from, out)
	return out
}

// Word is an integer of 32 bits without sign.
func Word(from Mem) reg.GPVirtual {
	if ISA == NEON {
		return armLoadInteger("MOVWU", from)
	}
	out := GP64()
	MOVL(from, out.As32())
	return out
}

// MoveWord copies 32 bits.
func MoveWord(to, from Mem) { StoreWord(to, Word(from)) }

// SignedWordAt loads 32 bits.
func SignedWordAt(from Mem) reg.GPVirtual {
	if ISA == NEON {
		return armLoadInteger("MOVW", from)
	}
	out := GP64()
	MOVLQSX(from, out)
	return out
}

// MergeInto is to |= bits.
func MergeInto(to Mem, bits reg.GPVirtual) {
	if ISA == NEON {
		kept := armLoadInteger("MOVD", to)
		Merge(kept, bits, 0)
		armStoreInteger("MOVD", to, kept)
	} else {
		ORQ(bits, to)
	}
}

// PointAt is the address of a place.
func PointAt(to reg.GPVirtual, m Mem) {
	if ISA == NEON {
		armBase(m)
		armText("ADD $%d, R16, %s", m.Disp, to)
	} else {
		LEAQ(m, to)
	}
}

// Prefetch asks for a place that will be read.
func Prefetch(m Mem) {
	if ISA == NEON {
		place, args := armPlace(m)
		armText("PRFM "+place+", PLDL1KEEP", args...)
	} else {
		PREFETCHT0(m)
	}
}

// Product is r·n.
func Product(r reg.GPVirtual, n int) reg.GPVirtual {
	out := GP64()
	if ISA == NEON {
		armText("MOVD $%d, R16", n)
		armText("MUL %s, R16, %s", r, out)
	} else {
		IMUL3Q(operand.Imm(uint64(n)), r, out)
	}
	return out
}
