package hf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/f190792d/mq/formats/fault"
)

// link makes a symbolic link or skips the test.
func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func mkdir(t *testing.T, elem ...string) string {
	t.Helper()
	dir := filepath.Join(elem...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFollowsLinksOfTheHuggingFaceCache(t *testing.T) {
	repo := filepath.Join(t.TempDir(), "models--owner--name")
	blobs, snapshot := mkdir(t, repo, "blobs"), mkdir(t, repo, "snapshots", "0123abcd")
	sub := mkdir(t, snapshot, "sub")
	writeFile(t, filepath.Join(blobs, "aa"), weightFile(t, "a").Data)
	writeFile(t, filepath.Join(blobs, "bb"), []byte(`{"k":1}`))
	link(t, "../../blobs/aa", filepath.Join(snapshot, "model.safetensors"))
	link(t, "../../blobs/bb", filepath.Join(snapshot, "config.json"))
	link(t, "../../../blobs/bb", filepath.Join(sub, "config.json"))
	c, err := Open(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.Lookup("a"); !ok || !c.Config().Has("k") {
		t.Error("the linked files were not read")
	}
	if err := c.Unchanged(); err != nil {
		t.Error(err)
	}
	if data, err := c.ReadFile("sub/config.json"); err != nil || string(data) != `{"k":1}` {
		t.Errorf("a file of a folder in the snapshot: %q, %v", data, err)
	}
	inner, err := OpenFolder(sub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inner.ReadFile("config.json"); err != nil {
		t.Errorf("a folder in the snapshot: %v", err)
	}
}

func TestRejectsLinksOutOfTheFolder(t *testing.T) {
	outside := t.TempDir()
	writeFile(t, filepath.Join(outside, "secret"), []byte("secret"))
	writeFile(t, filepath.Join(outside, "model.safetensors"), weightFile(t, "a").Data)
	repo := filepath.Join(outside, "models--owner--name")
	for _, dir := range []string{t.TempDir(), mkdir(t, repo, "snapshots", "0123abcd")} {
		writeFile(t, filepath.Join(dir, "config.json"), []byte("{}"))
		link(t, filepath.Join(outside, "secret"), filepath.Join(dir, "README.md"))
		link(t, filepath.Join(outside, "model.safetensors"), filepath.Join(dir, "model.safetensors"))
		link(t, outside, filepath.Join(dir, "sub"))
		if _, err := Open(t.Context(), dir); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "model.safetensors is a link out of the folder") {
			t.Errorf("weights: %v", err)
		}
		f, err := OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"README.md", "sub/secret"} {
			if data, err := f.ReadFile(name); !errors.Is(err, fault.ErrCorrupt) {
				t.Errorf("%s: %q, %v", name, data, err)
			}
		}
	}
}

func TestFollowsLinksOutOfTheFolderOnRequest(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(outside, "weights"), weightFile(t, "a").Data)
	writeFile(t, filepath.Join(dir, "config.json"), []byte("{}"))
	link(t, filepath.Join(outside, "weights"), filepath.Join(dir, "model.safetensors"))
	if _, err := Open(t.Context(), dir); !errors.Is(err, ErrLink) {
		t.Errorf("without: %v", err)
	}
	c, err := Options{FollowLinks: true}.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if len(c.Tensors()) != 1 || c.Unchanged() != nil {
		t.Errorf("%d tensors, %v", len(c.Tensors()), c.Unchanged())
	}
	if _, err := c.ReadFile("../weights"); err == nil {
		t.Error("a name left the folder")
	}
}

// TestLinksToACacheWork: older clients filled a folder with links to the
// blobs of their cache.
func TestLinksToACacheWork(t *testing.T) {
	dir, hub := t.TempDir(), t.TempDir()
	blobs := mkdir(t, hub, "models--owner--name", "blobs")
	writeFile(t, filepath.Join(blobs, "0123abcd"), []byte("{}"))
	link(t, filepath.Join(blobs, "0123abcd"), filepath.Join(dir, "config.json"))
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := f.ReadFile("config.json"); string(data) != "{}" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
}

func TestLinksInsideTheFolderWork(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(dir, "real"), []byte("x"))
	link(t, "real", filepath.Join(dir, "alias"))
	link(t, dir, filepath.Join(elsewhere, "model"))
	f, err := OpenFolder(filepath.Join(elsewhere, "model"))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := f.ReadFile("alias"); string(data) != "x" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if f.Name() != "model" {
		t.Errorf("a linked folder is named %q", f.Name())
	}
}

func TestReadFileStaysInTheFolder(t *testing.T) {
	dir := mkdir(t, t.TempDir(), "model")
	writeFile(t, filepath.Join(dir, "..", "secret"), []byte("secret"))
	for _, open := range []func() (*Folder, error){
		func() (*Folder, error) { return OpenFolder(dir) },
		func() (*Folder, error) {
			return &Folder{fsys: fstest.MapFS{"a": text("a")}, name: "m"}, nil
		},
	} {
		f, err := open()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"../secret", "/etc/passwd", "a/../../secret", "..", ".", "", `..\secret`, "C:secret", "a\x00b"} {
			if data, err := f.ReadFile(name); !errors.Is(err, fault.ErrCorrupt) {
				t.Errorf("%q: %q, %v", name, data, err)
			}
		}
		if _, err := f.ReadFile("absent"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("absent: %v", err)
		}
	}
}

func TestRefusesWhatIsNotAFile(t *testing.T) {
	dir := t.TempDir()
	mkdir(t, dir, "config.json")
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFile("config.json"); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a folder named config.json: %v", err)
	}
	writeFile(t, filepath.Join(dir, "file"), nil)
	if _, err := Open(t.Context(), filepath.Join(dir, "file")); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("a file as a folder: %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestListsTheFilesOfAFolderInside(t *testing.T) {
	dir := t.TempDir()
	sub := mkdir(t, dir, "templates")
	mkdir(t, sub, "deeper")
	writeFile(t, filepath.Join(sub, "b.jinja"), nil)
	writeFile(t, filepath.Join(sub, "a.jinja"), nil)
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := f.List("templates"); err != nil || strings.Join(names, " ") != "a.jinja b.jinja" {
		t.Errorf("got %q, %v", names, err)
	}
	if _, err := f.List("nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if _, err := f.List("../"); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("a folder outside: %v", err)
	}
}

// TestSnapshotsAreNamedAfterTheirRepository: the name of the folder is that
// of a commit.
func TestSnapshotsAreNamedAfterTheirRepository(t *testing.T) {
	for dir, want := range map[string]string{
		"models--org--Foo-7B/snapshots/0123abcd": "Foo-7B",
		"models--Foo/snapshots/0123abcd/":        "Foo",
		"Foo/snapshots/0123abcd":                 "0123abcd",
		"Foo-7B/":                                "Foo-7B",
	} {
		f, err := OpenFolder(mkdir(t, t.TempDir(), filepath.FromSlash(dir)))
		if err != nil || f.Name() != want {
			t.Errorf("%s: %s, %v, want %s", dir, f.Name(), err, want)
		}
	}
}
