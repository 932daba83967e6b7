package flags

import (
	"strings"
	"testing"

	"github.com/f190792d/mq/quantize"
)

func TestWrongTypesSuggestWhatIsMeant(t *testing.T) {
	for given, want := range map[string]string{
		"Q4KM": "q4_k_m", "q4-k-m": "q4_k_m", "q4km": "q4_k_m", "int8": "q8_0", "INT4": "q4_k_m", "fp16": "f16", "float16": "f16",
		"q80": "q8_0", "iq2xs": "iq2_xs", "4bit": "q4_k_m", "bfloat16": "bf16", "nonsense": "", "x": "",
	} {
		got := recipeLike(given)
		if got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
		if _, err := quantize.ParseRecipe(got); got != "" && err != nil {
			t.Errorf("%s: %v", given, err)
		}
	}
	for given, want := range map[string]string{"q4k": "q4_k", "fp16": "f16", "int8": "q8_0", "iq4nl": "iq4_nl"} {
		if got := typeLike(given); got != want {
			t.Errorf("tensor type %s: %q, want %q", given, got, want)
		}
	}
}

func TestOtherNamesNameTypes(t *testing.T) {
	for name, want := range otherNames {
		if _, err := quantize.ParseRecipe(want); err != nil || plain(name) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNearestCountsLetters(t *testing.T) {
	known := []string{"--as", "--force", "--kl-divergence", "--output", "--out"}
	for given, want := range map[string]string{"--outptu": "--output", "--kl": "--kl-divergence", "--xs": "", "--f": "", "--forc": "--force"} {
		if got := Nearest(given, known, strings.ToLower); got != want {
			t.Errorf("%s: nearest is %q, want %q", given, got, want)
		}
	}
}
