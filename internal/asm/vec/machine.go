package vec

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What a kernel does beside vectors, for all instruction sets.

// Begin starts a function.
func Begin(name, signature, doc string) {
	if ISA == NEON {
		armBegin(name, signature, doc)
		return
	}
	TEXT(name, NOSPLIT, signature)
	Doc(doc)
	Pragma("noescape")
}

// End ends it.
func End() {
	if ISA == NEON {
		armEnd()
		return
	}
	VZEROUPPER()
	RET()
}

// Argument loads a pointer or an integer.
func Argument(name string) reg.GPVirtual {
	out := GP64()
	if ISA == NEON {
		armText("MOVD %s, %s", armParam(name), out)
	} else {
		Load(Param(name), out)
	}
	return out
}

// Everywhere is a float32 argument in all lanes.
func Everywhere(name string) Reg {
	if ISA == NEON {
		return armEverywhere(name)
	}
	p, _ := Param(name).Resolve()
	return Broadcast(p.Addr)
}

// Mark names this place of the function for jumps.
func Mark(name string) {
	if ISA == NEON {
		armLabel(name)
	} else {
		Label(name)
	}
}

// Jump goes to a mark.
func Jump(to string) {
	if ISA == NEON {
		armJump("JMP", to)
	} else {
		JMP(operand.LabelRef(to))
	}
}

// JumpIfZero tests an integer.
func JumpIfZero(r reg.GPVirtual, to string) {
	if ISA == NEON {
		armBranch(to, "CBZ %s, "+to, r)
		return
	}
	TESTQ(r, r)
	JZ(operand.LabelRef(to))
}

// JumpUnlessBits tests bits of an integer.
func JumpUnlessBits(r reg.GPVirtual, bits uint32, to string) {
	if ISA == NEON {
		armText("TST $%d, %s", bits, r)
		armJump("BEQ", to)
		return
	}
	TESTL(operand.U32(bits), r.As32())
	JZ(operand.LabelRef(to))
}

// JumpIfBelow compares addresses.
func JumpIfBelow(a, b reg.GPVirtual, to string) {
	if ISA == NEON {
		armText("CMP %s, %s", b, a)
		armJump("BLO", to)
		return
	}
	CMPQ(a, b)
	JB(operand.LabelRef(to))
}

// CountDown jumps until a counter is 0.
func CountDown(r reg.GPVirtual, to string) {
	if ISA == NEON {
		armText("SUBS $1, %s, %s", r, r)
		armJump("BNE", to)
		return
	}
	DECQ(r)
	JNZ(operand.LabelRef(to))
}

// CountDownBy is CountDown in steps of n.
func CountDownBy(r reg.GPVirtual, n int, to string) {
	if ISA == NEON {
		armText("SUBS $%d, %s, %s", n, r, r)
		armJump("BNE", to)
		return
	}
	SUBQ(operand.I32(n), r)
	JNZ(operand.LabelRef(to))
}

// Subtract is to -= n.
func Subtract(to, n reg.GPVirtual) {
	if ISA == NEON {
		armText("SUB %s, %s, %s", n, to, to)
	} else {
		SUBQ(n, to)
	}
}

// ShiftDown is r >>= shift.
func ShiftDown(r reg.GPVirtual, shift int) {
	if ISA == NEON {
		armText("LSR $%d, %s, %s", shift, r, r)
	} else {
		SHRQ(operand.Imm(uint64(shift)), r)
	}
}

// SetTo is to = n.
func SetTo(to reg.GPVirtual, n int) {
	if ISA == NEON {
		armText("MOVD $%d, %s", n, to)
	} else if n == 0 {
		XORQ(to, to)
	} else if n < 0 {
		MOVQ(operand.I32(n), to)
	} else if n > math.MaxUint32 {
		MOVQ(operand.U64(n), to)
	} else {
		MOVQ(operand.U32(n), to)
	}
}

// Copies is a byte in all eight bytes of an integer.
func Copies(b int) reg.GPVirtual {
	out := GP64()
	SetTo(out, b*0x0101010101010101)
	return out
}

// Move64 is to = from.
func Move64(to, from reg.GPVirtual) {
	if ISA == NEON {
		armText("MOVD %s, %s", from, to)
	} else {
		MOVQ(from, to)
	}
}

// Advance is to += n.
func Advance(to reg.GPVirtual, n int) {
	if ISA == NEON {
		armText("ADD $%d, %s, %s", n, to, to)
	} else {
		ADDQ(operand.I32(n), to)
	}
}

// Point is to = from + n.
func Point(to, from reg.GPVirtual, n int) {
	if ISA == NEON {
		armText("ADD $%d, %s, %s", n, from, to)
	} else {
		LEAQ(Mem{Base: from, Disp: n}, to)
	}
}

// Scaled is base + n·2^shift, in place of n.
func Scaled(n, base reg.GPVirtual, shift int) {
	if ISA == NEON {
		armText("ADD %s<<%d, %s, %s", n, shift, base, n)
		return
	}
	SHLQ(operand.Imm(uint64(shift)), n)
	ADDQ(base, n)
}

// AdvanceUnlessOne is advance where left is not 1.
func AdvanceUnlessOne(to reg.GPVirtual, n int, left reg.GPVirtual) {
	next := GP64()
	Point(next, to, n)
	if ISA == NEON {
		armText("CMP $1, %s", left)
		armText("CSEL NE, %s, %s, %s", next, to, to)
		return
	}
	CMPQ(left, operand.Imm(1))
	CMOVQNE(next, to)
}

// Merge is to |= bits << shift.
func Merge(to, bits reg.GPVirtual, shift int) {
	if ISA == NEON {
		armText("ORR %s<<%d, %s, %s", bits, shift, to, to)
		return
	}
	if shift > 0 {
		SHLQ(operand.Imm(uint64(shift)), bits.As64())
	}
	ORQ(bits.As64(), to)
}

// Give returns an uint32.
func Give(r reg.GPVirtual) {
	if ISA == NEON {
		armText("MOVW %s, %s", r, armParam("ret"))
		return
	}
	out, _ := ReturnIndex(0).Resolve()
	MOVL(r.As32(), out.Addr)
}

// GiveInt returns an int.
func GiveInt(r reg.GPVirtual) {
	if ISA == NEON {
		GiveIntAs("ret", r)
	} else {
		Store(r, ReturnIndex(0))
	}
}

// GiveIntAs returns an int that has a name.
func GiveIntAs(name string, r reg.GPVirtual) {
	if ISA == NEON {
		armText("MOVD %s, %s", r, armParam(name))
	} else {
		Store(r, Return(name))
	}
}

// GiveBool returns a bool.
func GiveBool(r reg.GPVirtual) {
	if ISA == NEON {
		armText("MOVB %s, %s", r, armParam("ret"))
	} else {
		Store(r.As8(), ReturnIndex(0))
	}
}
