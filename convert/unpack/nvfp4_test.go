package unpack

import "testing"

// TestNVFP4HoldsEveryScale tries each of the scales with the factors of
// ModelOpt, which multiply, and of compressed-tensors, which divide: where
// the reciprocal is rounded, so are the weights.
func TestNVFP4HoldsEveryScale(t *testing.T) {
	divides := func(s, f float32) float32 { return s / f }
	for _, c := range []struct {
		name   string
		factor float32
		scaled func(s, f float32) float32
		want   float32
		exact  bool
	}{
		{"multiplied", 0.0006746724247932434, nil, 0.0006746724247932434, true},
		{"divided by a power of two", 1024, divides, 1.0 / 1024, true},
		{"divided", 1482.200927734375, divides, 1 / 1482.200927734375, false},
	} {
		f := fourBits{shape: []int64{1, 64}, group: 16, factor: []float32{c.factor}, scaled: c.scaled}
		var every [256]bool
		for s := range 0x7f {
			every[s] = true
		}
		if got, exact, ok := f.factored(every, 0); !ok || exact != c.exact || got != c.want {
			t.Errorf("%s: %v, %v, %v, want %v, %v", c.name, got, exact, ok, c.want, c.exact)
		}
		for s := 0x7f; s < 256; s++ {
			var one [256]bool
			one[s] = true
			if _, _, ok := f.factored(one, 0); ok {
				t.Errorf("%s: scale %#x has no place in a block", c.name, s)
			}
		}
	}
}
