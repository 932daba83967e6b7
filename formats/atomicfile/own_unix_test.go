//go:build unix

package atomicfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
)

// within fails a test that waits for something which never comes.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: it hangs", what)
	}
}

// planted lays things under a name that a run would leave a file under, and
// calls try; what is behind the name must not change.
func planted(t *testing.T, name string, try func(kind, dir string)) {
	t.Helper()
	for kind, plant := range map[string]func(victim, at string) error{
		"link":          os.Symlink,
		"relative link": func(_, at string) error { return os.Symlink("../victim", at) },
		"dangling link": func(victim, at string) error { return os.Symlink(victim+"-none", at) },
		"pipe":          func(_, at string) error { return unix.Mkfifo(at, 0o666) },
		"folder":        func(_, at string) error { return os.Mkdir(at, 0o777) },
		"other name":    os.Link,
	} {
		top := t.TempDir()
		victim, dir := filepath.Join(top, "victim"), filepath.Join(top, "dir")
		write(t, victim, "precious")
		if err := errors.Join(os.Mkdir(dir, 0o777), plant(victim, filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
		within(t, kind, func() { try(kind, dir) })
		if b, _ := os.ReadFile(victim); string(b) != "precious" {
			t.Errorf("%s: the file behind the name holds %q", kind, b)
		}
		if _, err := os.Lstat(victim + "-none"); err == nil {
			t.Errorf("%s: the file behind the link was made", kind)
		}
	}
}

// TestNothingIsWrittenThroughAPlantedName: whatever lies under the temporary
// name, and whatever is to be done about it.
func TestNothingIsWrittenThroughAPlantedName(t *testing.T) {
	for _, stale := range []atomicfile.Stale{atomicfile.Drop, atomicfile.Refuse, atomicfile.Resume} {
		planted(t, ".out.mq-tmp", func(kind, dir string) {
			f, err := atomicfile.Create(filepath.Join(dir, "out"), atomicfile.Options{Force: true, Stale: stale})
			if err == nil {
				if kind != "other name" || stale != atomicfile.Drop { // that name alone goes
					t.Errorf("%s, %d: it was created", kind, stale)
				}
				f.Write([]byte("overwritten"))
				f.Abort()
			} else if !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("%s, %d: %v", kind, stale, err)
			}
		})
	}
}

func TestOpensOwnFilesAlone(t *testing.T) {
	for _, flag := range []int{os.O_RDONLY, os.O_RDWR} {
		planted(t, "journal", func(kind, dir string) {
			f, err := atomicfile.OpenOwn(filepath.Join(dir, "journal"), flag)
			if err == nil {
				f.Close()
			}
			readsOther := kind == "other name" && flag == os.O_RDONLY
			if (err == nil) != readsOther || err != nil && !errors.Is(err, atomicfile.ErrForeign) {
				t.Errorf("%s: %v", kind, err)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "journal")
	if _, err := atomicfile.OpenOwn(path, os.O_RDWR); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	write(t, path, "ours")
	f, err := atomicfile.OpenOwn(path, os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestRefusesFilesOfOtherUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	path := filepath.Join(t.TempDir(), "out")
	write(t, atomicfile.TempPath(path), "theirs")
	if err := os.Chown(atomicfile.TempPath(path), 12345, 12345); err != nil {
		t.Skipf("this system gives no file away: %v", err)
	}
	for _, stale := range []atomicfile.Stale{atomicfile.Drop, atomicfile.Resume} {
		if _, err := atomicfile.Create(path, atomicfile.Options{Stale: stale}); !errors.Is(err, atomicfile.ErrForeign) {
			t.Errorf("%d: %v", stale, err)
		}
	}
}
