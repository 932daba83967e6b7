package pattern

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKnowsEveryPreTokenizerName(t *testing.T) {
	raw, err := os.ReadFile("testdata/pre.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(raw))
	if diff := cmp.Diff(want, Names()); diff != "" {
		t.Error(diff)
	}
}
