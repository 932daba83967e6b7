package budget

import (
	"errors"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/quantize"
)

// FuzzParseProfile reads hostile files; what is accepted can be chosen from.
func FuzzParseProfile(f *testing.F) {
	f.Add([]byte(`{"fingerprint":"x","sensitivity":"model","tensors":[{"name":"output.weight","sensitivity":0.5,"rounding":0.01,"errors":{"Q4_K":0.005,"Q6_K":0.0004}}]}`))
	f.Add([]byte(`{"tensors":[{"name":"output.weight","sensitivity":1e308,"errors":{"Q4_K":1e308}}]}`))
	f.Add([]byte(`{"tensors":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProfile("p.json", data)
		if err != nil {
			if !errors.Is(err, fault.ErrCorrupt) {
				t.Fatalf("%v", err)
			}
			return
		}
		kvs, sources := model()
		if _, err := Choose(kvs, infos(sources), quantize.Options{}, p, Target{Bits: 5}); err != nil &&
			!errors.Is(err, fault.ErrCorrupt) && !errors.Is(err, fault.ErrInvalid) && !errors.Is(err, fault.ErrUnsupported) {
			t.Fatalf("%v", err)
		}
	})
}
