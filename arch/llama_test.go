package arch

import (
	_ "embed"
	"encoding/json"
	"math"
	"testing"
)

//go:embed testdata/rope_freqs.json
var ropeFreqs []byte // by internal/fixtures/models/rope_freqs.py

// TestFactorsOfLlama3sScalingEqualTheReferences allows for the powers of which torch's vector
// library rounds the last bit the other way: they are not rounded correctly
// there, and differ from processor to processor.
func TestFactorsOfLlama3sScalingEqualTheReferences(t *testing.T) {
	var rows [][]json.RawMessage
	if err := json.Unmarshal(ropeFreqs, &rows); err != nil {
		t.Fatal(err)
	}
	wrong, all := 0, 0
	for _, row := range rows {
		var settings [6]float64
		for i := range settings {
			if err := json.Unmarshal(row[i], &settings[i]); err != nil {
				t.Fatal(err)
			}
		}
		var want []int32
		if err := json.Unmarshal(row[6], &want); err != nil {
			t.Fatal(err)
		}
		got := llama3Factors(Hyper{HeadDim: int(settings[1]), Rope: Rope{
			Base: settings[0], Scaling: "llama3", Factor: settings[2], LowFreqFactor: settings[3], HighFreqFactor: settings[4], OriginalContext: int(settings[5]),
		}})
		for j, bits := range want {
			w := math.Float32frombits(uint32(bits))
			if all++; got[j] != w {
				wrong++
			}
			if math.Abs(float64(got[j]-w)) > 1e-6*float64(w) {
				t.Errorf("%v: factor %d is %v, want %v", settings, j, got[j], w)
			}
		}
	}
	if wrong*1000 > all {
		t.Errorf("%d of %d factors differ in a bit", wrong, all)
	}
}
