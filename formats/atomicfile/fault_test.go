package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

// broken makes calls of the system fail for one test.
func broken(t *testing.T, change func(*system)) {
	t.Helper()
	whole := host
	change(&host)
	t.Cleanup(func() { host = whole })
}

func begun(t *testing.T, o Options) *File {
	t.Helper()
	f, err := Create(filepath.Join(t.TempDir(), "out"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Abort)
	if _, err := f.Write([]byte("whole")); err != nil {
		t.Fatal(err)
	}
	return f
}

// onDisk lists the names in the folder of a file with what they hold.
func onDisk(t *testing.T, f *File) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(f.path), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e.Name()+"="+string(b))
	}
	return strings.Join(list, " ")
}

var errDevice = &os.PathError{Op: "x", Path: ".out.mq-tmp", Err: syscall.EIO}

// TestAfterAFailedSyncNothingIsTrusted: neither Commit nor Keep leaves what a
// later run would read back from the page cache.
func TestAfterAFailedSyncNothingIsTrusted(t *testing.T) {
	for name, end := range map[string]func(*File) error{
		"Commit":        (*File).Commit,
		"Sync and Keep": func(f *File) error { return errors.Join(f.Sync(), f.Keep()) },
		"Sync again":    func(f *File) error { _ = f.Sync(); host.sync = (*os.File).Sync; return errors.Join(f.Sync(), f.Keep()) },
		"Commit after Sync": func(f *File) error {
			_ = f.Sync()
			host.sync = (*os.File).Sync
			return f.Commit()
		},
	} {
		t.Run(name, func(t *testing.T) {
			broken(t, func(s *system) { s.sync = func(*os.File) error { return errDevice } })
			f := begun(t, Options{})
			err := end(f)
			if !errors.Is(err, ErrLost) || !errors.Is(err, fault.ErrIO) || errors.Is(err, ErrNamed) {
				t.Errorf("error %v", err)
			}
			if got := onDisk(t, f); got != "" {
				t.Errorf("on disk: %s", got)
			}
		})
	}
}

// TestAFailedNameSaysWhatIsOnDisk: by error and in words.
func TestAFailedNameSaysWhatIsOnDisk(t *testing.T) {
	fail := func(string, string) error {
		return &os.LinkError{Op: "x", Old: ".out.mq-tmp", New: "out", Err: syscall.EIO}
	}
	for name, c := range map[string]struct {
		options Options
		change  func(*system)
		named   bool
		says    string
		disk    string
	}{
		"rename":                      {Options{Force: true}, func(s *system) { s.rename = fail }, false, "cannot rename the file: input/output error", ".out.mq-tmp=whole"},
		"link and rename":             {Options{}, func(s *system) { s.link, s.rename = fail, fail }, false, "cannot rename the file: input/output error", ".out.mq-tmp=whole"},
		"a file system without links": {Options{}, func(s *system) { s.link = fail }, false, "", "out=whole"},
		"removing the other name":     {Options{}, func(s *system) { s.remove = func(string) error { return errDevice } }, true, "whole and has its name, but cannot remove its temporary name", ".out.mq-tmp=whole out=whole"},
		"syncing the folder":          {Options{}, func(s *system) { s.syncDir = func(string) error { return errDevice } }, true, "whole and has its name, but cannot sync the folder", "out=whole"},
		"syncing the folder, forced":  {Options{Force: true}, func(s *system) { s.syncDir = func(string) error { return errDevice } }, true, "a loss of power may undo the name", "out=whole"},
	} {
		t.Run(name, func(t *testing.T) {
			f := begun(t, c.options)
			broken(t, c.change)
			err := f.Commit()
			if (err != nil) != (c.says != "") || err != nil && (!errors.Is(err, fault.ErrIO) || !strings.Contains(err.Error(), c.says)) || errors.Is(err, ErrNamed) != c.named {
				t.Errorf("error %v", err)
			}
			if got := onDisk(t, f); got != c.disk {
				t.Errorf("on disk: %s, want %s", got, c.disk)
			}
			if err == nil || c.named {
				return
			}
			// What has no name yet can be kept and gets it later.
			if err := f.Keep(); err != nil {
				t.Error(err)
			}
			host = system{os.OpenFile, (*os.File).Sync, os.Link, os.Rename, os.Remove, syncDir}
			c.options.Stale = Resume
			again, err := Create(f.path, c.options)
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Commit(); err != nil || onDisk(t, f) != "out=whole" {
				t.Errorf("resumed: %v, on disk: %s", err, onDisk(t, f))
			}
		})
	}
}

// A disk remembers what would survive a loss of power: of a file what was last
// synced, of a folder the names as they were last synced, each with or without
// any of the changes since.
type disk struct {
	synced  map[string]string // contents by the number of a file
	durable map[string]string // names: numbers of files
	pending []change
}

type change struct {
	name, file string // file "" removes the name
}

// survivors lists the states that a loss of power may leave.
func (d *disk) survivors() []map[string]string {
	var all []map[string]string
	for chosen := range 1 << len(d.pending) {
		names := map[string]string{}
		for name, file := range d.durable {
			names[name] = file
		}
		for i, c := range d.pending {
			if chosen>>i&1 == 0 {
				continue
			}
			if c.file == "" {
				delete(names, c.name)
			} else {
				names[c.name] = c.file
			}
		}
		all = append(all, names)
	}
	return all
}

// TestANameThatSurvivesALossOfPowerHasTheWholeFile: after each step of a
// Commit, whatever of the steps before had reached the disk, the name leads to
// the whole file, to the old one or to none; after the last to the whole one.
func TestANameThatSurvivesALossOfPowerHasTheWholeFile(t *testing.T) {
	for _, force := range []bool{false, true} {
		t.Run(fmt.Sprintf("force %v", force), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "out")
			d := &disk{synced: map[string]string{}, durable: map[string]string{}}
			if force {
				if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
					t.Fatal(err)
				}
				d.durable["out"], d.synced["old file"] = "old file", "old"
			}
			steps := 0
			look := func(after string, committed bool) {
				steps++
				for _, names := range d.survivors() {
					file, exists := names["out"]
					held := d.synced[file]
					if exists && held != "whole" && !(force && held == "old" && !committed) || committed && !exists {
						t.Errorf("after %s the name leads to %q, which holds %q (exists: %v)", after, file, held, exists)
					}
				}
			}
			broken(t, func(s *system) {
				base := filepath.Base
				s.open = func(name string, flag int, perm os.FileMode) (*os.File, error) {
					f, err := os.OpenFile(name, flag, perm)
					if err == nil {
						d.pending = append(d.pending, change{base(name), "new file"})
						look("creation", false)
					}
					return f, err
				}
				s.sync = func(f *os.File) error {
					b, err := os.ReadFile(f.Name())
					d.synced["new file"] = string(b)
					look("the sync", false)
					return errors.Join(err, f.Sync())
				}
				s.link = func(from, to string) error {
					d.pending = append(d.pending, change{base(to), "new file"})
					look("the link", false)
					return os.Link(from, to)
				}
				s.rename = func(from, to string) error {
					d.pending = append(d.pending, change{base(to), "new file"}, change{base(from), ""})
					look("the rename", false)
					return os.Rename(from, to)
				}
				s.remove = func(name string) error {
					d.pending = append(d.pending, change{base(name), ""})
					look("the removal", false)
					return os.Remove(name)
				}
				s.syncDir = func(dir string) error {
					d.durable = d.survivors()[1<<len(d.pending)-1]
					d.pending = nil
					look("the sync of the folder", true)
					return syncDir(dir)
				}
			})
			f, err := Create(path, Options{Force: force})
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{"wh", "ole"} {
				if _, err := f.Write([]byte(part)); err != nil {
					t.Fatal(err)
				}
				look("a write", false)
			}
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			if steps < 6 || d.durable["out"] != "new file" {
				t.Errorf("%d steps, on disk %v", steps, d.durable)
			}
		})
	}
}
