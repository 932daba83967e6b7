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
