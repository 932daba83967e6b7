package quantize

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestGeneratedRowsEqualGgml compares digests of what ggml gives for many
// generated rows, degenerate ones among them.
func TestGeneratedRowsEqualGgml(t *testing.T) {
	file, err := os.ReadFile("testdata/digests.tsv")
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]int{}
	for d, distribution := range distributions {
		numbers[distribution.name] = d
	}
	for line := range strings.Lines(string(file)) {
		fields := strings.Fields(line)
		name, weighted, distribution, want := fields[0], fields[1] == "weighted", fields[2], fields[3]
		typ, ok := ByName(name)
		if !ok {
			t.Errorf("no type %s", name)
			continue
		}
		t.Run(strings.Join(fields[:3], "/"), func(t *testing.T) {
			t.Parallel()
			if got := digest(typ, weighted, numbers[distribution]); got != want {
				t.Errorf("digest is %s, of ggml's bytes %s", got, want)
			}
		})
	}
}

// digest is the start of the sha256 of all rows of a distribution.
func digest(typ Type, weighted bool, distribution int) string {
	sum := sha256.New()
	for _, length := range rowLengths {
		dst := make([]byte, length.columns/typ.Block*typ.Bytes)
		for r := range length.rows {
			var weights []float32
			if weighted {
				weights = makeWeights(length.columns, r)
			}
			typ.Quantize(dst, makeRow(distribution, length.columns, r), weights)
			sum.Write(dst)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
