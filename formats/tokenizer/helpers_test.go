package tokenizer

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"testing"
)

func encode64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func itoa(i int) string { return strconv.Itoa(i) }

func floatBits(f float32) uint32 { return math.Float32bits(f) }

// skipLarge leaves the vocabularies of a quarter of a million tokens out of
// short tests: loading them takes half of the time.
func skipLarge(t *testing.T, name string) {
	if testing.Short() && (strings.HasPrefix(name, "gemma") || strings.HasPrefix(name, "gptoss")) {
		t.Skip("a large vocabulary")
	}
}
