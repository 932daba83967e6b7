package batch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/fault"
)

func TestRefusesWhatIsNoState(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "{}", `{"finished":null}`, `{"finished":[]}`, `{"finished":{"a":null}}`, `{"finished":{"a":{"result":null}}}`, `{"finished":{"a":{"stamp":1,"result":{}}}}`} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadState(path); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestAChangedOutputIsNotFinished, although size and time of writing are those
// of the one that was.
func TestAChangedOutputIsNotFinished(t *testing.T) {
	dir := t.TempDir()
	path, statePath := filepath.Join(dir, "out"), filepath.Join(dir, "state")
	if err := os.WriteFile(path, []byte("output"), 0o666); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadState(statePath)
	if err != nil {
		t.Fatal(err)
	}
	s.note(&Result{Model: "m", Type: "t", Path: path}, "id")
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	if s, err = ReadState(statePath); err != nil {
		t.Fatal(err)
	}
	if s.finished("m", "t", "id") == nil || s.finished("m", "t", "other") != nil || s.finished("m", "u", "id") != nil {
		t.Error("the state does not know its jobs")
	}
	if err := errors.Join(os.WriteFile(path, []byte("OUTPUT"), 0o666), os.Chtimes(path, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
	if s.finished("m", "t", "id") != nil {
		t.Error("a changed output is taken for finished")
	}
}
