package quantize

import (
	"crypto/sha256"
	"testing"

	"github.com/f190792d/mq/formats/imatrix"
)

func TestIdentityCoversTypesHeadersAndWeights(t *testing.T) {
	identity := func(name string, change func(*Options)) [32]byte {
		t.Helper()
		o := Options{Recipe: recipe(t, name)}
		change(&o)
		h := sha256.New()
		if err := plan(t, llama(1), infosOf(sample()), o).WriteIdentity(h); err != nil {
			t.Fatal(err)
		}
		return [32]byte(h.Sum(nil))
	}
	weighted := func(sum, count float32) func(*Options) {
		return func(o *Options) {
			sums := make([]float32, 512)
			for i := range sums {
				sums[i] = sum
			}
			m := &imatrix.Matrix{Entries: map[string]*imatrix.Entry{"blk.0.ffn_up.weight": {Sums: sums, Counts: []float32{count}}}}
			var err error
			if o.Importance, err = NewImportance("m.gguf", m, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	plain := func(*Options) {}
	seen := map[[32]byte]string{}
	for what, id := range map[string][32]byte{
		"plain":        identity("Q4_0", plain),
		"another type": identity("Q4_1", plain),
		"pure":         identity("Q4_0", func(o *Options) { o.Pure = true }),
		"weighted":     identity("Q4_0", weighted(1, 1)),
		"other sums":   identity("Q4_0", weighted(2, 1)),
		"other counts": identity("Q4_0", weighted(1, 2)),
		"Q8_0":         identity("Q8_0", plain),
	} {
		if other, again := seen[id]; again {
			t.Errorf("%s and %s have the same identity", what, other)
		}
		seen[id] = what
	}
	once, again := identity("Q4_0", weighted(1, 1)), identity("Q4_0", weighted(1, 1))
	if once != again {
		t.Error("the same plan has two identities")
	}
}
