package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/f190792d/mq/cmd/mq/internal/exit"
)

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

// TestLostOutputIsAFailure: a script must not take a cut list for a whole one.
func TestLostOutputIsAFailure(t *testing.T) {
	for _, line := range []string{"types", "archs --json", "inspect ../../../../testdata/stories-llama", "--help"} {
		var stderr bytes.Buffer
		if code := Main(strings.Fields(line), nil, full{}, &stderr); code != exit.IO || !strings.Contains(stderr.String(), "no room") {
			t.Errorf("mq %s: exit %d, %q", line, code, stderr.String())
		}
	}
}
