package vec

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// Registers 16 and 17 hold addresses for a moment.
const armScratch = 16

// armGeneralRegisters are those that a function may use: 18 is the system's, and 26 on
// are Go's.
var armGeneralRegisters = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25}

// armGeneral is the number of a general register.
func armGeneral(r reg.Register) int { return armFunction.given[r.Asm()] }

// giveGeneral numbers general registers. Each has its own from where it is named
// first to where it is named last; where a jump goes back between the two, to the jump.
func giveGeneral(lines []armLine) map[string]int {
	at := map[string]int{}
	first, last := map[string]int{}, map[string]int{}
	var order []string
	for i, l := range lines {
		if l.label != "" {
			at[l.label] = i
		}
		for _, r := range l.general {
			name := r.Asm()
			if _, ok := first[name]; !ok {
				first[name] = i
				order = append(order, name)
			}
			last[name] = i
		}
	}
	for changed := true; changed; {
		changed = false
		for from, l := range lines {
			to, ok := at[l.target]
			if !ok || to > from {
				continue
			}
			for _, name := range order {
				if first[name] < to && to <= last[name] && last[name] < from {
					last[name], changed = from, true
				}
			}
		}
	}
	given := map[string]int{}
	busy := map[int]int{} // until where
	for _, name := range order {
		for _, n := range armGeneralRegisters {
			if until, ok := busy[n]; !ok || until < first[name] {
				given[name], busy[n] = n, last[name]
				break
			}
		}
		if _, ok := given[name]; !ok {
			panic("too many general registers")
		}
	}
	return given
}

// armMemory is a load or a store of so many bytes.
func armMemory(op uint32, m Mem, size int, v reg.Register, load bool) {
	base := armBase(m)
	switch {
	case m.Disp >= 0 && m.Disp%size == 0 && m.Disp/size < 1<<12:
		op |= uint32(m.Disp/size) << 10
	case m.Disp >= -256 && m.Disp < 256:
		op = op&^unscaled | uint32(m.Disp&0x1ff)<<12
	default:
		panic("no such offset")
	}
	l := armLine{text: func(number func(reg.Register) int) string {
		return fmt.Sprintf("WORD $0x%08x", op|uint32(base()<<5|number(v)))
	}}
	if m.Index == nil {
		l.general = []reg.Register{m.Base}
	}
	if load {
		l.def = []reg.Register{v}
	} else {
		l.use = []reg.Register{v}
	}
	armEmit(l)
}

// armBase is the register from which the offset counts.
func armBase(m Mem) func() int {
	if m.Index == nil {
		return func() int { return armGeneral(m.Base) }
	}
	armText("ADD %s<<%d, %s, R%d", m.Index, map[uint8]int{1: 0, 2: 1, 4: 2, 8: 3}[m.Scale], m.Base, armScratch)
	return func() int { return armScratch }
}

// armPoint sets the scratch register to a place.
func armPoint(m Mem) {
	from := any(m.Base)
	if m.Index != nil {
		from = fmt.Sprintf("R%d", armBase(m)())
	}
	if m.Disp != 0 || m.Index == nil {
		armText("ADD $%d, %s, R%d", m.Disp, from, armScratch)
	}
}

func armBroadcast(out reg.Register, from Mem) {
	if from.Disp != 0 || from.Index != nil {
		armPoint(from)
		armBroadcastScratch(out)
		return
	}
	armEmit(armLine{def: []reg.Register{out}, general: []reg.Register{from.Base}, text: func(number func(reg.Register) int) string {
		return fmt.Sprintf("WORD $0x%08x", ld1r|uint32(armGeneral(from.Base)<<5|number(out)))
	}})
}

// InAllLanes is the low half of an integer in all lanes.
func InAllLanes(n reg.GPVirtual) Reg {
	out := Vector()
	if ISA == NEON {
		armEmit(armLine{def: []reg.Register{out}, general: []reg.Register{n}, text: func(number func(reg.Register) int) string {
			return fmt.Sprintf("VDUP R%d, V%d.S4", armGeneral(n), number(out))
		}})
		return out
	}
	VMOVQ(n.As64(), out.AsX())
	VPBROADCASTD(out.AsX(), out)
	return out
}

// armFromGeneral moves an integer to the lowest lanes.
func armFromGeneral(op uint32, out Reg, n reg.GPVirtual) {
	armEmit(armLine{def: []reg.Register{out}, general: []reg.Register{n}, text: func(number func(reg.Register) int) string {
		return fmt.Sprintf("WORD $0x%08x", op|uint32(armGeneral(n)<<5|number(out)))
	}})
}

// armToGeneral moves the lowest lane to the scratch register.
func armToGeneral(v reg.Register) {
	armWord(nil, []reg.Register{v}, func(number func(reg.Register) int) uint32 {
		return fmovToW | uint32(number(v)<<5|armScratch)
	})
}

// armLanes is one bit for each lane of a mask.
func armLanes(mask reg.Register) reg.GPVirtual {
	return armSum(addv, And(mask.(Op), Words("lane_bits", 1, 2, 4, 8)))
}

// armSum is the sum of the elements of a vector, which it takes the place of; without an
// instruction that adds it is the lowest.
func armSum(add uint32, v Reg) reg.GPVirtual {
	if add != 0 {
		arm2(add, v, v)
	}
	out := GP64()
	armEmit(armLine{use: []reg.Register{v}, general: []reg.Register{out}, text: func(number func(reg.Register) int) string {
		return fmt.Sprintf("WORD $0x%08x", fmovToW|uint32(number(v)<<5|armGeneral(out)))
	}})
	return out
}
