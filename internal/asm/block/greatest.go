package block

import (
	"fmt"

	. "github.com/f190792d/mq/internal/asm/vec"
)

// GreatestBits emits what finds the greatest magnitude of 16-bit and 32-bit
// floats.
func GreatestBits() {
	largestBits(16, 0x7fff7fff)
	largestBits(32, Magnitude)
}

// largestBits emits a search for the greatest magnitude in 128 bytes at a time,
// by the bits.
func largestBits(width int, mask uint32) {
	name := fmt.Sprintf("greatest%d%s", width, ISA)
	Begin(name, fmt.Sprintf("func(src *byte, n int) uint%d", width),
		name+" returns the greatest magnitude in n bytes, a positive multiple of 128, by its bits.")
	src, left, magnitudes := Argument("src"), Argument("n"), LoadV(Bits(mask))
	var most []Reg
	for range 4 {
		most = append(most, Zero())
	}
	Mark("loop")
	for at := 0; at < 128; at += Width() {
		RaiseBits(width, most[at/Width()%4], Masked(magnitudes, Mem{Base: src, Disp: at}))
	}
	Advance(src, 128)
	CountDownBy(left, 128, "loop")
	for _, pair := range [][2]int{{0, 1}, {2, 3}, {0, 2}} {
		RaiseBits(width, most[pair[0]], most[pair[1]])
	}
	GiveGreatest(width, most[0])
	End()
}
