package publishing

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModelsLieWhereLMStudioWasToldTo(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	moved := filepath.Join(home, "moved")
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want := func(folder string) {
		t.Helper()
		if got, err := LMStudioFolder("me/m"); err != nil || got != filepath.Join(folder, "me", "m") {
			t.Errorf("%s, %v, want %s", got, err, folder)
		}
	}
	want(filepath.Join(home, ".lmstudio", "models"))
	write(filepath.Join(home, ".lmstudio", "settings.json"), `{"language": "de"}`)
	want(filepath.Join(home, ".lmstudio", "models"))
	write(filepath.Join(home, ".lmstudio-home-pointer"), moved+"\n")
	want(filepath.Join(moved, "models"))
	write(filepath.Join(moved, "settings.json"), `{"downloadsFolder": "/disk/models"}`)
	want(filepath.FromSlash("/disk/models"))
	write(filepath.Join(moved, "settings.json"), `{"downloadsFolder": 3}`)
	if _, err := LMStudioFolder("me/m"); err == nil || !strings.Contains(err.Error(), "settings.json") {
		t.Errorf("settings that say nothing: %v", err)
	}
}
