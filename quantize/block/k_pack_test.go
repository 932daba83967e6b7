package block

import (
	"testing"

	"github.com/f190792d/mq/quantize/kernel"
)

func TestLevelsAndScalesReadBack(t *testing.T) {
	var levels [superLen]uint8
	for i := range levels {
		levels[i] = uint8(i*i + i/5)
	}
	masked := func(mask uint8) (l [superLen]uint8) {
		for i, v := range levels {
			l[i] = v & mask
		}
		return l
	}
	for name, c := range map[string]struct {
		mask   uint8
		pack   func(b []byte, l *[superLen]uint8)
		unpack func(l *[superLen]uint8, b []byte)
	}{
		"pairs":   {3, func(b []byte, l *[superLen]uint8) { kernel.PackPairs((*[64]uint8)(b), l) }, unpackPairs},
		"nibbles": {15, packNibbles, unpackNibbles},
		"six":     {63, func(b []byte, l *[superLen]uint8) { kernel.PackSix((*[192]uint8)(b), l) }, unpack6},
		"bits": {
			4,
			func(b []byte, l *[superLen]uint8) { kernel.PackBits((*[32]uint8)(b), l, 2) },
			func(l *[superLen]uint8, b []byte) { unpackBits(l, b, 2) },
		},
	} {
		var block [210]byte
		want := masked(c.mask)
		c.pack(block[:], &want)
		var got [superLen]uint8
		if c.unpack(&got, block[:]); got != want {
			t.Errorf("%s: levels do not read back", name)
		}
	}
	var scales, mins, got [16]uint8
	for j := range scales {
		scales[j], mins[j] = uint8(j*11)&63, uint8(63-j*5)&63
	}
	var block [110]byte
	putScales3(block[96:], &scales)
	if scales3(&got, block[96:]); got != scales {
		t.Errorf("scales of Q3_K read back as %v, want %v", got, scales)
	}
	putScales6(block[:], scales, mins)
	gotScales, gotMins := scales6(block[:])
	if [8]uint8(gotScales[:]) != [8]uint8(scales[:]) || [8]uint8(gotMins[:]) != [8]uint8(mins[:]) {
		t.Errorf("scales of Q4_K read back as %v and %v, want %v and %v", gotScales, gotMins, scales, mins)
	}
}
