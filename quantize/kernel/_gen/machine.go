package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What a kernel does beside vectors, for all instruction sets.

// begin starts a function.
func begin(name, signature, doc string) {
	if isa == neon {
		armBegin(name, signature, doc)
		return
	}
	TEXT(name, NOSPLIT, signature)
	Doc(doc)
	Pragma("noescape")
}

// end ends it.
func end() {
	if isa == neon {
		armEnd()
		return
	}
	VZEROUPPER()
	RET()
}

// argument loads a pointer or an integer.
func argument(name string) reg.GPVirtual {
	out := GP64()
	if isa == neon {
		armText("MOVD %s, %s", armParam(name), out)
	} else {
		Load(Param(name), out)
	}
	return out
}

// everywhere is a float32 argument in all lanes.
func everywhere(name string) Reg {
	if isa == neon {
		return armEverywhere(name)
	}
	p, _ := Param(name).Resolve()
	return broadcast(p.Addr)
}

// label and jump are those of the function.
func label(name string) {
	if isa == neon {
		armLabel(name)
	} else {
		Label(name)
	}
}

func jump(to string) {
	if isa == neon {
		armJump("JMP", to)
	} else {
		JMP(operand.LabelRef(to))
	}
}

// jumpIfZero tests an integer.
func jumpIfZero(r reg.GPVirtual, to string) {
	if isa == neon {
		armBranch(to, "CBZ %s, "+to, r)
		return
	}
	TESTQ(r, r)
	JZ(operand.LabelRef(to))
}

// jumpUnlessBits tests bits of an integer.
func jumpUnlessBits(r reg.GPVirtual, bits uint32, to string) {
	if isa == neon {
		armText("TST $%d, %s", bits, r)
		armJump("BEQ", to)
		return
	}
	TESTL(operand.U32(bits), r.As32())
	JZ(operand.LabelRef(to))
}

// jumpIfBelow compares addresses.
func jumpIfBelow(a, b reg.GPVirtual, to string) {
	if isa == neon {
		armText("CMP %s, %s", b, a)
		armJump("BLO", to)
		return
	}
	CMPQ(a, b)
	JB(operand.LabelRef(to))
}

// countDown jumps until a counter is 0.
func countDown(r reg.GPVirtual, to string) {
	if isa == neon {
		armText("SUBS $1, %s, %s", r, r)
		armJump("BNE", to)
		return
	}
	DECQ(r)
	JNZ(operand.LabelRef(to))
}

// set is to = n, move64 to = from, advance to += n, point to = from + n.
func set(to reg.GPVirtual, n int) {
	if isa == neon {
		armText("MOVD $%d, %s", n, to)
	} else if n == 0 {
		XORQ(to, to)
	} else {
		MOVQ(operand.U32(n), to)
	}
}

func move64(to, from reg.GPVirtual) {
	if isa == neon {
		armText("MOVD %s, %s", from, to)
	} else {
		MOVQ(from, to)
	}
}

func advance(to reg.GPVirtual, n int) {
	if isa == neon {
		armText("ADD $%d, %s, %s", n, to, to)
	} else {
		ADDQ(operand.I32(n), to)
	}
}

func point(to, from reg.GPVirtual, n int) {
	if isa == neon {
		armText("ADD $%d, %s, %s", n, from, to)
	} else {
		LEAQ(Mem{Base: from, Disp: n}, to)
	}
}

// scaled is base + n·2^shift, in place of n.
func scaled(n, base reg.GPVirtual, shift int) {
	if isa == neon {
		armText("ADD %s<<%d, %s, %s", n, shift, base, n)
		return
	}
	SHLQ(operand.Imm(uint64(shift)), n)
	ADDQ(base, n)
}

// advanceUnlessOne is advance where left is not 1.
func advanceUnlessOne(to reg.GPVirtual, n int, left reg.GPVirtual) {
	next := GP64()
	point(next, to, n)
	if isa == neon {
		armText("CMP $1, %s", left)
		armText("CSEL NE, %s, %s, %s", next, to, to)
		return
	}
	CMPQ(left, operand.Imm(1))
	CMOVQNE(next, to)
}

// merge is to |= bits << shift.
func merge(to, bits reg.GPVirtual, shift int) {
	if isa == neon {
		armText("ORR %s<<%d, %s, %s", bits, shift, to, to)
		return
	}
	if shift > 0 {
		SHLQ(operand.Imm(uint64(shift)), bits.As64())
	}
	ORQ(bits.As64(), to)
}

// result returns an uint32.
func result(r reg.GPVirtual) {
	if isa == neon {
		armText("MOVW %s, %s", r, armParam("ret"))
		return
	}
	out, _ := ReturnIndex(0).Resolve()
	MOVL(r.As32(), out.Addr)
}
