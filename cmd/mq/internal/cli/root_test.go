package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

// TestLostOutputIsAFailure: a script must not take a cut list for a whole one.
func TestLostOutputIsAFailure(t *testing.T) {
	for _, line := range []string{"types", "archs --json", "inspect ../../../../testdata/stories-llama", "--help"} {
		var stderr bytes.Buffer
		if code := Main(strings.Fields(line), nil, full{}, &stderr); code != exitIO || !strings.Contains(stderr.String(), "no room") {
			t.Errorf("mq %s: exit %d, %q", line, code, stderr.String())
		}
	}
}

// TestSnapshotsAreNamedAfterTheirRepository: the name of the folder is that
// of a commit.
func TestSnapshotsAreNamedAfterTheirRepository(t *testing.T) {
	for dir, want := range map[string]string{
		"/hub/models--org--Foo-7B/snapshots/0123abcd": "Foo-7B",
		"/hub/models--Foo/snapshots/0123abcd/":        "Foo",
		"/hub/Foo/snapshots/0123abcd":                 "0123abcd",
		"/hub/Foo-7B/":                                "Foo-7B",
	} {
		if got := modelName(dir); got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
}
