package search

import . "github.com/f190792d/mq/internal/asm/vec"

// packs emits what gathers one bit of 256 bytes.
func packs() {
	packBits("packThird"+ISA, 2)
	packBits("packFifth"+ISA, 4)
}

func packBits(name string, bit int) {
	Begin(name, "func(dst, levels *uint8)", name+" packs one bit of 256 levels; see PackBits.")
	dst, levels := Argument("dst"), Argument("levels")
	for at := 0; at < 32; at += Width() {
		var all Reg
		for r := range 8 {
			v := LoadV(Mem{Base: levels, Disp: 32*r + at})
			if r < bit {
				v = ShiftRight16(v, bit-r)
			} else {
				v = ShiftLeft16(v, r-bit)
			}
			v = Masked(v, Bits(0x01010101<<r))
			if r > 0 {
				BitOr(all, v)
			}
			all = v
		}
		StoreV(Mem{Base: dst, Disp: at}, all)
	}
	End()
}
