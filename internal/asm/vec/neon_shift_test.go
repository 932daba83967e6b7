package vec

import "testing"

func TestShiftsEncodeTheirElements(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uint32
	}{
		{"USHR V0.16B, #4", rightBy(ushr, 8, 4), 0x6f0c0400},
		{"USHR V0.4S, #31", rightBy(ushr, 32, 31), 0x6f210400},
		{"USHR V0.4S, #1", rightBy(ushr, 32, 1), 0x6f3f0400},
		{"SSHR V0.4S, #24", rightBy(sshr, 32, 24), 0x4f280400},
		{"SHL V0.8H, #1", leftBy(shl, 16, 1), 0x4f115400},
		{"SHL V0.4S, #31", leftBy(shl, 32, 31), 0x4f3f5400},
		{"SLI V0.16B, #4", leftBy(sli, 8, 4), 0x6f0c5400},
		{"USRA V0.8H, #6", rightBy(usra, 16, 6), 0x6f1a1400},
	} {
		if c.got != c.want {
			t.Errorf("%s is %#08x, want %#08x", c.name, c.got, c.want)
		}
	}
}

func TestShiftsThatHaveNoEncodingPanic(t *testing.T) {
	for _, n := range []int{-1, 0, 32, 33} {
		for name, shift := range map[string]func(Reg, int) Reg{"right": ShiftRight, "left": ShiftLeft} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("a shift of 32 bits by %d to the %s is emitted", n, name)
					}
				}()
				shift(Vector(), n)
			}()
		}
	}
}
