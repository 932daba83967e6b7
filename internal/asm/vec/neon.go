package vec

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/reg"
)

// NEON by hand: avo knows x86 alone, so its virtual registers are but names
// here. Go's assembler lacks most vector arithmetic, which is therefore given
// as instruction words: Arm Architecture Reference Manual, C7.2, for ".4S" or
// ".16B", registers zero.
const (
	fadd         = 0x4e20d400
	fsub         = 0x4ea0d400
	fmul         = 0x6e20dc00
	fdiv         = 0x6e20fc00
	fmax         = 0x4e20f400
	fmin         = 0x4ea0f400
	fmla         = 0x4e20cc00
	fmls         = 0x4ea0cc00
	faddPairs    = 0x6e20d400
	fmaxPairs    = 0x6e20f400
	frecpe       = 0x4ea1d800
	frecps       = 0x4e20fc00
	fsqrt        = 0x6ea1f800
	frintn       = 0x4e218800
	fcvtns       = 0x4e21a800
	scvtf        = 0x4e21d800
	fcmeq        = 0x4e20e400
	fcmge        = 0x6e20e400
	fcmgt        = 0x6ea0e400
	subInt       = 0x6ea08400
	addInt       = 0x4ea08400
	subBytes     = 0x6e208400
	sshr         = 0x4f000400
	cmeq         = 0x6ea08c00
	ushr         = 0x6f000400 // as sshr, shl, usra and sli without rightBy and leftBy
	shl          = 0x4f005400
	ushll        = 0x2f00a400 // bit 30: of the upper half
	sshll        = 0x0f00a400
	shll16       = 0x2e613800
	shrn16       = 0x0f108400
	fcvtl        = 0x0e217800
	fcvtn        = 0x0e216800
	fcvtlLong    = 0x0e617800
	fmlaDouble   = 0x4e60cc00
	upperHalf    = 0x40000000 // of what narrows and keeps the lower one
	zip1         = 0x4e803800
	zip2         = 0x4e807800
	zip1Bytes    = 0x4e003800
	zip2Bytes    = 0x4e007800
	pairsOfTwo   = 0x00400000 // of elements of 64 bits
	dup          = 0x4e000400 // the lane in bits 16 to 20
	smax         = 0x4ea06400
	smin         = 0x4ea06c00
	andBits      = 0x4e201c00
	clearBits    = 0x4e601c00 // n &^ m
	orBits       = 0x4ea01c00
	xorBits      = 0x6e201c00
	selectBits   = 0x6e601c00 // d ? n : m
	insertBits   = 0x6ea01c00 // d = m ? n : d
	not          = 0x6e205800
	movi0        = 0x6f00e400
	umin         = 0x6ea06c00
	umaxv        = 0x6eb0a800
	uminv        = 0x6eb1a800
	smaxv        = 0x4eb0a800
	fmaxv        = 0x6e30f800
	fminv        = 0x6eb0f800
	fcvtzs       = 0x4ea1b800
	orNot        = 0x4ee01c00 // n | ^m
	testBits     = 0x4e208c00 // of bytes
	addPairs     = 0x4e20bc00 // of bytes
	addBytes     = 0x4e208400
	addWithin    = 0x6e200c00 // of bytes, with saturation
	uminBytes    = 0x6e206c00
	uminvBytes   = 0x6e31a800
	atLeastBytes = 0x6e203c00
	cmeqBytes    = 0x6e208c00
	cmgtBytes    = 0x4e203400
	uzp1         = 0x4e001800 // of bytes
	uzp2         = 0x4e005800
	ofWords      = 0x00400000 // of elements of 16 bits
	usra         = 0x6f001400
	sqdmulh      = 0x4e60b400 // of 16 bits
	ext          = 0x6e000000 // the first byte in bits 11 to 14
	tbl          = 0x4e000000
	umax         = 0x6ea06400
	umaxHalf     = 0x6e606400 // of 16 bits
	umaxvHalf    = 0x6e70a800
	sli          = 0x6f005400
	fmlaBy       = 0x4f801000 // an element: its number in bits 11 and 21
	insertUnless = 0x6ee01c00 // d = m ? d : n
	sqxtun       = 0x2e612800
	uminHalf     = 0x6e606c00
	mulHalf      = 0x4e609c00
	addHalf      = 0x4e608400
	cmeqHalf     = 0x6e608c00
	moviOnes     = 0x6f07e7e0
	movi         = 0x4f000400 // eight bits in bits 5 to 9 and 16 to 18, shifted by eights in bits 13 and 14
	cntBytes     = 0x4e205800
	addvBytes    = 0x4e31b800
	fmovFromW    = 0x1e270000
	fmovFromX    = 0x9e670000
	addv         = 0x4eb1b800
	addvWords    = 0x4e71b800
	cmgt         = 0x4ea03400
	ldrQ         = 0x3dc00000 // offset in units of 16
	strQ         = 0x3d800000
	ldrD         = 0xfd400000
	ldrS         = 0xbd400000
	strD         = 0xfd000000
	strS         = 0xbd000000
	strH         = 0x7d000000
	unscaled     = 0x01000000 // clear for an offset in bytes, of nine bits
	ld1r         = 0x4d40c800
	ld1rHalf     = 0x4d40c400
	fmovToW      = 0x1e260000
	move         = 0 // orBits of twice the same
)

// An armLine is an instruction of the function that is being emitted.
type armLine struct {
	text          func(number func(reg.Register) int) string
	def, use      []reg.Register // vectors
	general       []reg.Register // that it names
	constant      string         // that it loads
	label         string         // of this line
	target        string         // it may jump to
	noFallThrough bool
}

// armFunction is the function that is being emitted, and the text before it.
var armFunction struct {
	lines  []armLine
	given  map[string]int    // numbers of general registers
	pairs  map[string]string // vectors whose registers follow each other, either by the other
	second map[string]bool   // which of them are not the first
	params map[string]int
	out    strings.Builder
	words  map[string][]uint32
	loaded map[string]bool // which of them, from memory
	order  []string
}

func armEmit(l armLine) { armFunction.lines = append(armFunction.lines, l) }

// armWord emits a word with vector registers at bits 0, 5 and 16.
func armWord(def, use []reg.Register, word func(number func(reg.Register) int) uint32) {
	armEmit(armLine{def: def, use: use, text: func(number func(reg.Register) int) string {
		return fmt.Sprintf("WORD $0x%08x", word(number))
	}})
}

// armReg is a vector operand in a register.
func armReg(o Op) reg.Register {
	if m, ok := o.(Mem); ok {
		out := Vector()
		armLoad(out, m)
		return out
	}
	return o.(reg.Register)
}

func arm3(op uint32, out reg.Register, a, b Op) {
	n, m := armReg(a), armReg(b)
	armWord([]reg.Register{out}, []reg.Register{n, m}, func(number func(reg.Register) int) uint32 {
		return op | uint32(number(m)<<16|number(n)<<5|number(out))
	})
}

// armInto is arm3 for operations that read their result register.
func armInto(op uint32, out reg.Register, a, b Op) {
	n, m := armReg(a), armReg(b)
	armWord([]reg.Register{out}, []reg.Register{n, m, out}, func(number func(reg.Register) int) uint32 {
		return op | uint32(number(m)<<16|number(n)<<5|number(out))
	})
}

// arm2Into is arm2 for operations that read their result register.
func arm2Into(op uint32, out reg.Register, a Op) {
	n := armReg(a)
	armWord([]reg.Register{out}, []reg.Register{n, out}, func(number func(reg.Register) int) uint32 {
		return op | uint32(number(n)<<5|number(out))
	})
}

func arm2(op uint32, out reg.Register, a Op) {
	if op == move {
		arm3(orBits, out, a, a)
		return
	}
	n := armReg(a)
	armWord([]reg.Register{out}, []reg.Register{n}, func(number func(reg.Register) int) uint32 {
		return op | uint32(number(n)<<5|number(out))
	})
}

func armZero(out reg.Register) {
	armWord([]reg.Register{out}, nil, func(number func(reg.Register) int) uint32 { return movi0 | uint32(number(out)) })
}

func armLoad(out reg.Register, from Mem) {
	if from.Symbol.Name != "" {
		name := from.Symbol.Name
		if word, ok := armImmediate(name); ok {
			armEmit(armLine{constant: name, def: []reg.Register{out}, text: func(number func(reg.Register) int) string {
				return fmt.Sprintf("WORD $0x%08x", word|uint32(number(out)))
			}})
			return
		}
		armFunction.loaded[name] = true
		armEmit(armLine{constant: name, def: []reg.Register{out}, text: func(number func(reg.Register) int) string {
			return fmt.Sprintf("MOVD $%s<>(SB), R%d\n\tWORD $0x%08x", name, armScratch, ldrQ|armScratch<<5|uint32(number(out)))
		}})
		return
	}
	armMemory(ldrQ, from, 16, out, true)
}

// armLoadPart loads 4 or 8 bytes into the lowest lanes.
func armLoadPart(out reg.Register, from Mem, size int) {
	armMemory(map[int]uint32{4: ldrS, 8: ldrD}[size], from, size, out, true)
}

// armStorePart stores 2, 4 or 8 bytes of the lowest lanes.
func armStorePart(to Mem, v reg.Register, size int) {
	armMemory(map[int]uint32{2: strH, 4: strS, 8: strD}[size], to, size, v, false)
}

func armStore(to Mem, v reg.Register) { armMemory(strQ, to, 16, v, false) }

// armEverywhere is a float32 argument in all lanes.
func armEverywhere(name string) Reg {
	armText("MOVD $%s, R%d", armParam(name), armScratch)
	out := Vector()
	armBroadcastScratch(out)
	return out
}

// armBroadcastScratch loads what the scratch register points to into all lanes.
func armBroadcastScratch(out reg.Register) {
	armWord([]reg.Register{out}, nil, func(number func(reg.Register) int) uint32 {
		return ld1r | armScratch<<5 | uint32(number(out))
	})
}

func armCompare(predicate uint64, out reg.Register, a, b Op) {
	switch predicate {
	case Equal, NotEqual:
		arm3(fcmeq, out, a, b)
	case Greater, NotGreater:
		arm3(fcmgt, out, a, b)
	case Less:
		arm3(fcmgt, out, b, a)
	case GreaterEqual, NotGreatEq:
		arm3(fcmge, out, a, b)
	case LessEqual, NotLessEqual:
		arm3(fcmge, out, b, a)
	}
	if predicate == NotEqual || predicate == NotGreatEq || predicate == NotGreater || predicate == NotLessEqual {
		arm2(not, out, out.(Op))
	}
}

func armJumpUnlessAny(mask reg.Register, to string) {
	most := Vector()
	arm2(umaxv, most, mask.(Op))
	armToGeneral(most)
	armBranch(to, "CBZW R%d, "+to, armScratch)
}
