package search

import . "github.com/f190792d/mq/internal/asm/vec"

// packs emits what gathers bits of 256 bytes.
func packs() {
	packSix("packSix" + ISA)
	packPairs("packPairs" + ISA)
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

// packPairs emits the low two bits.
func packPairs(name string) {
	Begin(name, "func(dst, levels *uint8)", name+" packs two bits of 256 levels; see PackPairs.")
	dst, levels := Argument("dst"), Argument("levels")
	for half := range 2 {
		for at := 0; at < 32; at += Width() {
			row := func(r int) Reg { return LoadV(Mem{Base: levels, Disp: 128*half + 32*r + at}) }
			pairs := Masked(row(0), Bits(0x03030303))
			for r := 1; r < 4; r++ {
				BitOr(Masked(ShiftLeft16(row(r), 2*r), Bits(0x03030303<<(2*r))), pairs)
			}
			StoreV(Mem{Base: dst, Disp: 32*half + at}, pairs)
		}
	}
	End()
}

// packSix emits the layout of Q6_K.
func packSix(name string) {
	Begin(name, "func(dst, levels *uint8)", name+" packs six bits of 256 levels; see PackSix.")
	dst, levels := Argument("dst"), Argument("levels")
	low, high := LoadV(Bits(0x0f0f0f0f)), LoadV(Bits(0xf0f0f0f0))
	for half := range 2 {
		for at := 0; at < 32; at += Width() {
			var l [4]Reg
			for i := range l {
				l[i] = LoadV(Mem{Base: levels, Disp: 128*half + 32*i + at})
			}
			for i, v := range l[:2] {
				nibbles := Masked(v, low)
				BitOr(Masked(ShiftLeft16(l[2+i], 4), high), nibbles)
				StoreV(Mem{Base: dst, Disp: 64*half + 32*i + at}, nibbles)
			}
			pairs := Masked(ShiftRight16(l[0], 4), Bits(0x03030303))
			BitOr(Masked(ShiftRight16(l[1], 2), Bits(0x0c0c0c0c)), pairs)
			BitOr(Masked(l[2], Bits(0x30303030)), pairs)
			BitOr(Masked(ShiftLeft16(l[3], 2), Bits(0xc0c0c0c0)), pairs)
			StoreV(Mem{Base: dst, Disp: 128 + 32*half + at}, pairs)
		}
	}
	End()
}
