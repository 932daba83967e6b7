package blob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

func TestCopyIsHeldToItsHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	want := bytes.Repeat([]byte("some bytes, "), 1000)
	if err := os.WriteFile(path, want, 0o666); err != nil {
		t.Fatal(err)
	}
	b, err := File(t.Context(), "x", path, nil)
	if err != nil || b.Digest != Bytes("x", want).Digest {
		t.Fatal(b.Digest, err)
	}
	to := filepath.Join(t.TempDir(), "blob")
	if err := b.copy(t.Context(), to, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, want) {
		t.Error("the copy differs")
	}
	want[len(want)-1] ^= 1
	if err := os.WriteFile(path, want, 0o666); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "blob")
	if err := b.copy(t.Context(), other, nil); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a file that changed was taken: %v", err)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("it has its name")
	}
	if err := os.WriteFile(path, want[1:], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a file of another size was opened: %v", err)
	}
}
