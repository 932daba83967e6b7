package kernel

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"testing"
)

// TestRowsGiveTheSameBitsOnEveryProcessor: what is left of a row after the
// lanes is computed in Go, which fuses products and sums on some.
func TestRowsGiveTheSameBitsOnEveryProcessor(t *testing.T) {
	h := fnv.New64a()
	for i := range 4000 {
		bits := math.Float32bits(expGeneric(float32(i-3000) / 113))
		h.Write(binary.LittleEndian.AppendUint32(nil, bits))
	}
	if got := fmt.Sprintf("%x", h.Sum64()); got != "712a875d46ff644" {
		t.Errorf("exponentials are of other bits: %s", got)
	}
}
