//go:build unix

package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/f190792d/mq/formats/atomicfile"
)

// TestNothingIsWrittenThroughAPlantedJournal: whatever lies under its name, no
// flag makes a run follow it or wait for it.
func TestNothingIsWrittenThroughAPlantedJournal(t *testing.T) {
	for kind, plant := range map[string]func(victim, at string) error{
		"link":          os.Symlink,
		"dangling link": func(victim, at string) error { return os.Symlink(victim+"-none", at) },
		"pipe":          func(_, at string) error { return unix.Mkfifo(at, 0o666) },
		"folder":        func(_, at string) error { return os.Mkdir(at, 0o777) },
		"other name":    os.Link,
	} {
		for flags, set := range map[string]func(*Job){
			"--resume": func(j *Job) { j.Resume = true }, "--force": func(j *Job) { j.Force = true },
			"both": func(j *Job) { j.Resume, j.Force = true, true }, "neither": func(*Job) {},
		} {
			dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
			if err := os.WriteFile(victim, []byte("precious"), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := plant(victim, journalPath(filepath.Join(dir, "Q8_0.gguf"))); err != nil {
				t.Fatal(err)
			}
			j := new(source).job(t, dir)
			set(j)
			done := make(chan error, 1)
			go func() { done <- j.Run(t.Context()) }()
			select {
			case err := <-done:
				dropped := kind == "other name" && flags == "--force" // that name alone goes
				if (err == nil) != dropped {
					t.Errorf("%s, %s: %v", kind, flags, err)
				}
				if !dropped && flags != "neither" && !errors.Is(err, atomicfile.ErrForeign) {
					t.Errorf("%s, %s: %v", kind, flags, err)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s, %s: it hangs", kind, flags)
			}
			if b, _ := os.ReadFile(victim); string(b) != "precious" {
				t.Errorf("%s, %s: the victim holds %q", kind, flags, b)
			}
			if _, err := os.Lstat(victim + "-none"); err == nil {
				t.Errorf("%s, %s: the link's target was made", kind, flags)
			}
		}
	}
}
