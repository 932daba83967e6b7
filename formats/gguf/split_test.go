package gguf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/google/go-cmp/cmp"
)

// seven are tensors of 64 bytes, but the third has 320.
func seven() []TensorInfo {
	var tensors []TensorInfo
	for i := range 7 {
		tensors = append(tensors, TensorInfo{Name: fmt.Sprintf("t%d", i), Type: TypeI8, Shape: []int64{64}})
	}
	tensors[2].Shape[0] = 320
	return tensors
}

func TestDivideFillsPartsInOrder(t *testing.T) {
	for _, c := range []struct {
		opts SplitOptions
		want string
	}{
		{SplitOptions{}, "0123456"},
		{SplitOptions{MaxTensors: 3}, "012 345 6"},
		{SplitOptions{MaxTensors: 3, BareFirst: true}, " 012 345 6"},
		{SplitOptions{MaxSize: 128}, "01 2 34 56"},
		{SplitOptions{MaxSize: 129}, "01 2 34 56"},
		{SplitOptions{MaxSize: 192}, "01 2 345 6"},
		{SplitOptions{MaxSize: 1}, "0 1 2 3 4 5 6"},
		{SplitOptions{MaxSize: 128, BareFirst: true}, " 01 2 34 56"},
		{SplitOptions{MaxSize: 1 << 40}, "0123456"},
	} {
		var parts []string
		for _, tensors := range Divide(seven(), c.opts) {
			names := ""
			for _, info := range tensors {
				names += info.Name[1:]
			}
			parts = append(parts, names)
		}
		if got := strings.Join(parts, " "); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.opts, got, c.want)
		}
	}
}

// writeSet writes a split set of three parts and returns their paths and the
// whole file that it was made of.
func writeSet(t *testing.T) (paths []string, whole []byte) {
	t.Helper()
	whole = build(t, KVs{{"general.architecture", "llama"}, {AlignmentKey, uint32(64)}, {"last", true}}, seven())
	f, err := open(whole)
	if err != nil {
		t.Fatal(err)
	}
	plans, err := Split(f, SplitOptions{MaxTensors: 3})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, plan := range plans {
		paths = append(paths, SplitPath(filepath.Join(dir, "model"), i, len(plans)))
		var b bytes.Buffer
		if err := Copy(context.Background(), &b, plan, f, nil); err != nil {
			t.Fatal(err)
		}
		write(t, paths[i], b.Bytes())
	}
	return paths, whole
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestAnyPartOpensTheWholeSet(t *testing.T) {
	paths, whole := writeSet(t)
	for _, path := range paths {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if diff := cmp.Diff(paths, f.Parts()); diff != "" {
			t.Error(diff)
		}
		plan, err := Merge(f)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		var last progress.Report
		if err := Copy(context.Background(), &b, plan, f, func(r progress.Report) { last = r }); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), whole) || last.Done != 6*64+320 || last.Done != last.Total {
			t.Errorf("%s: %d bytes merged with %d of data differ from the %d that were split", path, b.Len(), last.Done, len(whole))
		}
		if err := f.Contiguous(); err != nil {
			t.Error(err)
		}
	}
}

func TestPartsHaveTheKeysOfASet(t *testing.T) {
	paths, _ := writeSet(t)
	want := []KVs{
		{{"general.architecture", "llama"}, {AlignmentKey, uint32(64)}, {"last", true}, {"split.no", uint16(0)}, {"split.tensors.count", int32(7)}, {"split.count", uint16(3)}},
		{{AlignmentKey, uint32(64)}, {"split.no", uint16(1)}, {"split.tensors.count", int32(7)}, {"split.count", uint16(3)}},
		{{AlignmentKey, uint32(64)}, {"split.no", uint16(2)}, {"split.tensors.count", int32(7)}, {"split.count", uint16(3)}},
	}
	for i, path := range paths {
		f, err := OpenPart(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[i], f.KVs()); diff != "" {
			t.Error(diff)
		}
		f.Close()
	}
	plans, err := planSplit(nil, [][]TensorInfo{seven()})
	if err != nil || len(plans) != 1 || len(plans[0].KVs) != 0 {
		t.Errorf("one group gives %d plans with keys, error %v", len(plans), err)
	}
}

func TestRejectsBrokenSets(t *testing.T) {
	part := func(no, count, total int, tensors ...TensorInfo) []byte {
		return build(t, KVs{{"split.no", uint16(no)}, {"split.count", uint16(count)}, {"split.tensors.count", int32(total)}}, tensors)
	}
	for _, c := range []struct {
		name   string
		change func(t *testing.T, paths []string)
		says   string
	}{
		{"missing part", func(t *testing.T, p []string) { os.Remove(p[1]) }, "part 2 of 3 is missing: there is no model-00002-of-00003.gguf"},
		{"broken part", func(t *testing.T, p []string) { write(t, p[1], []byte("GGUF")) }, "model-00002-of-00003.gguf"},
		{"parts swapped", func(t *testing.T, p []string) { os.Rename(p[1], p[2]) }, ""},
		{"part of another place", func(t *testing.T, p []string) { write(t, p[1], part(2, 3, 7)) }, `key "split.no": the value should be 1`},
		{"part of another set", func(t *testing.T, p []string) { write(t, p[1], part(1, 4, 7)) }, `key "split.count": the value should be 3`},
		{"part of no set", func(t *testing.T, p []string) { write(t, p[1], build(t, nil, nil)) }, `key "split.no"`},
		{"tensors lost", func(t *testing.T, p []string) { write(t, p[1], part(1, 3, 7)) }, "should have 7 tensors but its 3 parts have 4"},
		{"tensor in two parts", func(t *testing.T, p []string) { write(t, p[1], part(1, 3, 7, seven()[6])) }, `tensor "t6"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			paths, _ := writeSet(t)
			c.change(t, paths)
			f, err := Open(paths[0])
			if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v and %v, want a corrupt file with %q", f, err, c.says)
			}
		})
	}
	paths, _ := writeSet(t)
	renamed := filepath.Join(filepath.Dir(paths[0]), "renamed.gguf")
	if err := os.Rename(paths[0], renamed); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(renamed); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "NAME-00001-of-00003.gguf") {
		t.Errorf("a renamed part gives %v", err)
	}
}

func TestSplitPathsAreReadBack(t *testing.T) {
	path := SplitPath("dir/m-00001-of-00002", 4, 12)
	if path != "dir/m-00001-of-00002-00005-of-00012.gguf" {
		t.Errorf("the path is %s", path)
	}
	if prefix, i, n, ok := ParseSplitPath(path); prefix != "dir/m-00001-of-00002" || i != 4 || n != 12 || !ok {
		t.Errorf("read back %q %d %d %v", prefix, i, n, ok)
	}
	for _, path := range []string{"m.gguf", "m-00000-of-00002.gguf", "m-00003-of-00002.gguf", "-00001-of-00002.gguf", "m-1-of-2.gguf"} {
		if _, _, _, ok := ParseSplitPath(path); ok {
			t.Errorf("%s is taken for a part", path)
		}
	}
}

func TestCopyStopsWhenCancelled(t *testing.T) {
	f, err := open(build(t, nil, seven()))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Merge(f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Copy(ctx, new(bytes.Buffer), plan, f, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	other, err := open(build(t, nil, seven()[:2]))
	if err != nil {
		t.Fatal(err)
	}
	if err := Copy(context.Background(), new(bytes.Buffer), plan, other, nil); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "t2") {
		t.Errorf("a file without the plan's tensors gives %v", err)
	}
}
