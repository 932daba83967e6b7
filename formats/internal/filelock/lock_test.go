package filelock

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestAFileIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	a, b := open(), open()
	if err := Try(a); err != nil {
		t.Fatal(err)
	}
	if err := Try(b); err == nil && runtime.GOOS != "plan9" {
		t.Error("two hold it")
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "content" {
		t.Errorf("a held file reads %q, %v", data, err)
	}
	a.Close()
	if err := Try(b); err != nil {
		t.Errorf("nobody holds it: %v", err)
	}
}
