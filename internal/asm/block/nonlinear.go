package block

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// nonLinearLevels emits the levels of groups of 32 values, packed to 16 bytes
// that lie stride bytes apart.
func nonLinearLevels() {
	TEXT("nonLinearLevelsAVX2", NOSPLIT, "func(dst *byte, stride int, src *float32, groups int, inverse *float32)")
	Doc("nonLinearLevelsAVX2 writes the levels of inverse·src, 16 bytes for 32 values; see NonLinearLevels.")
	Pragma("noescape")
	get := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	b := blockLoop{get("dst"), get("src"), get("groups")}
	stride, inverses := get("stride"), get("inverse")
	Label("group")
	inverse := Broadcast(Mem{Base: inverses})
	l := b.run(0)
	for i, x := range l {
		l[i] = NonLinearLevel(Mul(x, inverse))
	}
	b.putLevels(0, PackBytes(l[:]), false)
	ADDQ(operand.Imm(4), inverses)
	ADDQ(operand.I32(128), b.src)
	ADDQ(stride, b.dst)
	DECQ(b.left)
	JNZ(operand.LabelRef("group"))
	VZEROUPPER()
	RET()
}
