package block

import (
	. "github.com/f190792d/mq/internal/asm/vec"
)

// nonLinearLevels emits the levels of groups of 32 values, packed to 16 bytes
// that lie stride bytes apart.
func nonLinearLevels() {
	name := "nonLinearLevels" + ISA
	Begin(name, "func(dst *byte, stride int, src *float32, groups int, inverse *float32)",
		name+" writes the levels of inverse·src, 16 bytes for 32 values; see NonLinearLevels.")
	b := blockLoop{dst: Argument("dst"), src: Argument("src"), left: Argument("groups")}
	stride, inverses := Argument("stride"), Argument("inverse")
	Mark("group")
	inverse := Broadcast(Mem{Base: inverses})
	l := b.values(0, 32)
	for i, x := range l {
		l[i] = NonLinearLevel(Mul(x, inverse))
	}
	b.putLevels(0, PackBytes(l), false)
	Advance(inverses, 4)
	Advance(b.src, 128)
	Increase(b.dst, stride)
	CountDown(b.left, "group")
	End()
}
