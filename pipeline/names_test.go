package pipeline

import "testing"

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
