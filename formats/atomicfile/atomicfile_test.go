package atomicfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
)

func Example() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)

	f, err := atomicfile.Create(filepath.Join(dir, "out.gguf"), atomicfile.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Abort() // does nothing after Commit
	f.Write([]byte("all of it"))
	if err := f.Commit(); err != nil {
		fmt.Println(err)
	}
	entries, _ := os.ReadDir(dir)
	fmt.Println(len(entries), entries[0].Name())
	// Output: 1 out.gguf
}

func create(t *testing.T, path string, opts atomicfile.Options) *atomicfile.File {
	t.Helper()
	f, err := atomicfile.Create(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Abort)
	return f
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestNameAppearsOnlyAtCommit(t *testing.T) {
	dir := t.TempDir()
	f := create(t, filepath.Join(dir, "out"), atomicfile.Options{})
	if got := names(t, dir); got != ".out.mq-tmp" {
		t.Errorf("before Commit the folder has %q", got)
	}
	if err := f.Preallocate(5); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Size(); n != 5 || err != nil {
		t.Errorf("size %d after Preallocate(5), error %v", n, err)
	}
	var group sync.WaitGroup
	for i, b := range []byte("whole") {
		group.Go(func() {
			if _, err := f.WriteAt([]byte{b}, int64(i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	f.Release(0, 5)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); got != "out" {
		t.Errorf("after Commit the folder has %q", got)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "out")); string(b) != "whole" {
		t.Errorf("the file holds %q", b)
	}
	if err := f.Commit(); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("a second Commit gives %v", err)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f := create(t, filepath.Join(dir, "out"), atomicfile.Options{})
	f.Abort()
	f.Abort()
	if got := names(t, dir); got != "" {
		t.Errorf("the folder has %q", got)
	}
}

func TestRefusesExistingOutputWithoutForce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	write(t, path, "old")
	if _, err := atomicfile.Create(path, atomicfile.Options{}); !errors.Is(err, fault.ErrInvalid) {
		t.Fatalf("Create gives %v", err)
	}
	f := create(t, path, atomicfile.Options{Force: true})
	f.Write([]byte("new"))
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("before Commit the file holds %q", b)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "new" {
		t.Errorf("after Commit the file holds %q", b)
	}
}

func TestCommitDoesNotClobberAFileThatAppeared(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	f := create(t, path, atomicfile.Options{})
	write(t, path, "theirs")
	if err := f.Commit(); !errors.Is(err, fault.ErrInvalid) {
		t.Fatalf("Commit gives %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "theirs" || names(t, dir) != "out" {
		t.Errorf("the folder has %q, the file %q", names(t, dir), b)
	}
}

func TestRefusesOutputThatIsAnInput(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	write(t, in, "input")
	hard, soft := filepath.Join(dir, "hard"), filepath.Join(dir, "soft")
	if err := errors.Join(os.Link(in, hard), os.Symlink(in, soft)); err != nil {
		t.Skipf("this system makes no links: %v", err)
	}
	for _, out := range []string{in, dir + "/./in", hard, soft} {
		_, err := atomicfile.Create(out, atomicfile.Options{Force: true, Inputs: []string{in}})
		if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "same file") {
			t.Errorf("%s: Create gives %v", out, err)
		}
	}
}

func TestRefusesWhatIsNoFileName(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"", dir, dir + "/", filepath.Join(dir, "none", "out"), dir + "/.."} {
		if _, err := atomicfile.Create(path, atomicfile.Options{Force: true}); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%q: Create gives %v", path, err)
		}
	}
	if runtime.GOOS == "linux" {
		if _, err := atomicfile.Create("/dev/null", atomicfile.Options{Force: true}); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("/dev/null: Create gives %v", err)
		}
	}
}

func TestTakesOverWhatAStoppedRunLeft(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".out.mq-tmp"), "half")
	f := create(t, filepath.Join(dir, "out"), atomicfile.Options{})
	if n, err := f.Size(); n != 0 || err != nil {
		t.Errorf("the new file begins with %d bytes, error %v", n, err)
	}
}

func TestRefusesOutputThatIsBeingWritten(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("needs file locks")
	}
	path := filepath.Join(t.TempDir(), "out")
	first := create(t, path, atomicfile.Options{})
	first.Write([]byte("first"))
	if _, err := atomicfile.Create(path, atomicfile.Options{}); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("Create gives %v", err)
	}
	if err := first.Commit(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "first" {
		t.Errorf("the file holds %q", b)
	}
}

func TestTemporaryNameDoesNotFollowLinks(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	write(t, victim, "precious")
	if err := os.Symlink(victim, filepath.Join(dir, ".out.mq-tmp")); err != nil {
		t.Skipf("this system makes no links: %v", err)
	}
	if _, err := atomicfile.Create(filepath.Join(dir, "out"), atomicfile.Options{}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("Create gives %v", err)
	}
	if b, _ := os.ReadFile(victim); string(b) != "precious" {
		t.Errorf("the file behind the link holds %q", b)
	}
}

func TestFullDiskIsAnErrorThatNamesTheOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f := create(t, path, atomicfile.Options{})
	err := f.Preallocate(1 << 61) // more than any disk
	if !errors.Is(err, fault.ErrIO) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "mq-tmp") {
		t.Errorf("Preallocate gives %v", err)
	}
}

func TestRefusesWhatAStoppedRunLeftWhenAsked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	write(t, filepath.Join(dir, ".out.mq-tmp"), "half")
	options := atomicfile.Options{Stale: atomicfile.Refuse}
	for name, err := range map[string]error{
		"Check":  atomicfile.Check(path, options),
		"Create": func() error { _, err := atomicfile.Create(path, options); return err }(),
	} {
		if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), ".out.mq-tmp") {
			t.Errorf("%s gives %v", name, err)
		}
	}
	if got := names(t, dir); got != ".out.mq-tmp" {
		t.Errorf("the folder has %q", got)
	}
}

func TestKeepsAndResumes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	f := create(t, path, atomicfile.Options{Stale: atomicfile.Resume})
	if f.Resumed() {
		t.Error("a new file is called resumed")
	}
	f.WriteAt([]byte("half"), 0)
	if err := f.Keep(); err != nil {
		t.Fatal(err)
	}
	f.Abort() // too late
	f = create(t, path, atomicfile.Options{Stale: atomicfile.Resume})
	if !f.Resumed() {
		t.Error("the file is not called resumed")
	}
	f.WriteAt([]byte(" and half"), 4)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "half and half" || names(t, dir) != "out" {
		t.Errorf("the folder has %q, the file %q", names(t, dir), b)
	}
}

func TestReleasedBytesStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f := create(t, path, atomicfile.Options{})
	const piece, count = 1 << 20, 50 // three windows
	block := make([]byte, piece)
	for i := range count {
		for j := range block {
			block[j] = byte(i + j)
		}
		if _, err := f.WriteAt(block, int64(i)*piece); err != nil {
			t.Fatal(err)
		}
		f.Release(int64(i)*piece, piece)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) != count*piece {
		t.Fatalf("the file has %d bytes, error %v", len(b), err)
	}
	for i, got := range b {
		if want := byte(i/piece + i%piece); got != want {
			t.Fatalf("byte %d is %d, not %d", i, got, want)
		}
	}
}

func TestSpaceOfTheDiskIsKnown(t *testing.T) {
	dir := t.TempDir()
	free, _, err := atomicfile.Space(filepath.Join(dir, "out"))
	if err != nil || free <= 0 {
		t.Errorf("%d bytes free, error %v", free, err)
	}
	f := create(t, filepath.Join(dir, "out"), atomicfile.Options{})
	if err := f.Preallocate(1 << 20); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && atomicfile.Allocated(f.Path()) < 1<<20 {
		t.Errorf("%d bytes allocated", atomicfile.Allocated(f.Path()))
	}
}
