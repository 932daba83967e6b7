package kernel

// PackBits stores one bit of 256 levels, the third or the fifth, in 32 bytes: bit r of
// byte b is that of level 32·r+b.
func PackBits(dst *[32]uint8, levels *[256]uint8, bit int) {
	if pack := active.packBits[bit/4]; pack != nil {
		pack(&dst[0], &levels[0])
		return
	}
	for b := range dst {
		var v uint8
		for r := range 8 {
			v |= levels[32*r+b] >> bit & 1 << r
		}
		dst[b] = v
	}
}

// PackPairs stores the low two bits of 256 levels in 64 bytes: byte b of
// each half of 128 values holds values b, b+32, b+64, b+96 from the low bits up.
func PackPairs(dst *[64]uint8, levels *[256]uint8) {
	if active.packPairs != nil {
		active.packPairs(&dst[0], &levels[0])
		return
	}
	for h := range 2 {
		dst, l := dst[32*h:][:32], levels[128*h:][:128]
		for b := range dst {
			dst[b] = l[b]&3 | l[b+32]&3<<2 | l[b+64]&3<<4 | l[b+96]<<6
		}
	}
}

// PackSix stores 256 levels of six bits in 192 bytes: in each half of 128 values nibbles of
// b, b+32 are low and those of b+64, b+96 high in bytes b, b+32, and the high
// pairs of all four share byte b of the second part.
func PackSix(dst *[192]uint8, levels *[256]uint8) {
	if active.packSix != nil {
		active.packSix(&dst[0], &levels[0])
		return
	}
	for h := range 2 {
		low, high, l := dst[64*h:][:64], dst[128+32*h:][:32], levels[128*h:][:128]
		for b := range low {
			low[b] = l[b]&15 | l[b+64]<<4
		}
		for b := range high {
			high[b] = l[b]>>4&3 | l[b+32]>>4&3<<2 | l[b+64]>>4&3<<4 | l[b+96]>>4<<6
		}
	}
}
