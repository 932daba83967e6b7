package gguf

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/oracle"
	"github.com/f190792d/mq/internal/shared"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestReadsWhatItWrote(t *testing.T) {
	kvs, tensors := sample()
	b := build(t, kvs, tensors)
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kvs, f.KVs()); diff != "" {
		t.Error(diff)
	}
	ignore := cmp.Options{cmpopts.IgnoreUnexported(TensorInfo{}), cmpopts.IgnoreFields(TensorInfo{}, "Offset")}
	if diff := cmp.Diff(tensors, f.Tensors(), ignore); diff != "" {
		t.Error(diff)
	}
	for _, info := range f.Tensors() {
		got, err := io.ReadAll(f.Section(t.Context(), info))
		if err != nil || !bytes.Equal(got, payload(info)) {
			t.Errorf("tensor %q: %d bytes, error %v", info.Name, len(got), err)
		}
	}
	if err := f.Contiguous(); err != nil {
		t.Error(err)
	}
	if f.Version() != 3 || f.Alignment() != 32 || f.Size() != int64(len(b)) {
		t.Errorf("version %d, alignment %d, size %d", f.Version(), f.Alignment(), f.Size())
	}
	if !bytes.Equal(b, build(t, f.KVs(), f.Tensors())) {
		t.Error("the file is not rewritten byte for byte")
	}
}

func TestReadsVersion2(t *testing.T) {
	kvs, tensors := sample()
	b := build(t, kvs, tensors)
	b[4] = 2
	f, err := open(b)
	if err != nil || f.Version() != 2 || len(f.Tensors()) != len(tensors) {
		t.Errorf("got %v", err)
	}
}

func TestHonoursAlignment(t *testing.T) {
	kvs := KVs{{AlignmentKey, uint32(256)}}
	_, tensors := sample()
	b := build(t, kvs, tensors)
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if f.Alignment() != 256 || len(b)%256 != 0 || f.DataOffset(0)%256 != 0 {
		t.Errorf("alignment %d, size %d, data at %d", f.Alignment(), len(b), f.DataOffset(0))
	}
	for _, info := range f.Tensors() {
		got, _ := io.ReadAll(f.Section(t.Context(), info))
		if info.Offset%256 != 0 || !bytes.Equal(got, payload(info)) {
			t.Errorf("tensor %q at %d is not what was written", info.Name, info.Offset)
		}
	}
}

func TestAcceptsHolesButCallsThemOut(t *testing.T) {
	f, err := open(withTensors(128, info("b", TypeF32, 96, 2), info("a", TypeF32, 32, 8), info("c", TypeF16, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Contiguous(); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), `tensor "b"`) {
		t.Errorf("Contiguous gives %v", err)
	}
}

func TestReadsLongStringsInArrays(t *testing.T) {
	want := []string{"a", strings.Repeat("b", 70000), "", strings.Repeat("c", 9000), "d"}
	for i := range 3000 {
		want = append(want, strings.Repeat("é", i%90))
	}
	f, err := open(build(t, KVs{{"k", want}, {"long", strings.Repeat("z", 200000)}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := f.KVs().Strings("k")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s, _ := f.KVs().String("long"); len(s) != 200000 {
		t.Errorf("the long string has %d bytes", len(s))
	}
}

func TestReadTensorAtStaysInsideTheTensor(t *testing.T) {
	_, tensors := sample()
	f, err := open(build(t, nil, tensors))
	if err != nil {
		t.Fatal(err)
	}
	cube, ok := f.Lookup("cube")
	if _, other := f.Lookup("absent"); !ok || other {
		t.Fatal("Lookup finds the wrong tensors")
	}
	want := payload(cube)
	for _, c := range []struct {
		off  int64
		n    int
		want []byte
		err  error
	}{
		{0, 15, want, nil},
		{3, 4, want[3:7], nil},
		{10, 32, want[10:], io.EOF},
		{15, 1, nil, io.EOF},
		{-1, 1, nil, fault.ErrInvalid},
	} {
		p := make([]byte, c.n)
		n, err := f.ReadTensorAt(t.Context(), cube, p, c.off)
		if !bytes.Equal(p[:n], c.want) || !errors.Is(err, c.err) {
			t.Errorf("%d bytes at %d: got %d, %v", c.n, c.off, n, err)
		}
	}
	rows := make([]byte, 6)
	if err := f.Stream(cube).ReadRows(t.Context(), rows, 2); err != nil || !bytes.Equal(rows, want[6:12]) {
		t.Errorf("rows 2 and 3 are %v, error %v", rows, err)
	}
	if err := f.Stream(cube).ReadRows(t.Context(), rows, 4); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("rows past the end give %v", err)
	}
}

func TestMapsFiles(t *testing.T) {
	f, err := Open(shared.Path(t, "golden", "quantize", "odd.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := f.Bytes(f.Tensors()[0]); ok || f.Mapped() {
		t.Error("the file is mapped before Map")
	}
	if err := f.Map(); err != nil {
		t.Skipf("this system maps no files: %v", err)
	}
	for _, info := range f.Tensors() {
		got, ok := f.Bytes(info)
		want, err := io.ReadAll(f.Section(t.Context(), info))
		if !ok || err != nil || !bytes.Equal(got, want) {
			t.Fatalf("tensor %q: %d bytes mapped, %d read, error %v", info.Name, len(got), len(want), err)
		}
		f.Release(info, 0, info.Size())
		if !bytes.Equal(got, want) {
			t.Fatalf("tensor %q: its bytes changed when they were released", info.Name)
		}
	}
	if !f.Mapped() {
		t.Error("the file is not mapped after Map")
	}
}

func BenchmarkOpenVocabulary(b *testing.B) {
	tokens := make([]string, 128256)
	for i := range tokens {
		tokens[i] = strings.Repeat("t", 2+i%11)
	}
	file := build(b, KVs{{"tokens", tokens}, {"types", make([]int32, len(tokens))}}, nil)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(file); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	kvs, tensors := sample()
	f.Add(build(f, kvs, tensors))
	f.Add(withTensors(64, info("b", TypeF32, 32, 8), info("a", TypeF32, 0, 8)))
	f.Add(withKV("k", arr, nest(4), uint32(0), uint64(0)))
	f.Add(withKV(AlignmentKey, uint32(4), uint32(64)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var file *File
		var err error
		oracle.Watched(t, len(b), func() { file, err = open(b) })
		if err != nil {
			return
		}
		for _, info := range file.Tensors() {
			n, err := io.Copy(io.Discard, file.Section(t.Context(), info))
			if n != info.Size() || err != nil {
				t.Errorf("tensor %q: %d of %d bytes, error %v", info.Name, n, info.Size(), err)
			}
		}
		plan, err := NewPlan(file.KVs(), file.Tensors())
		if err != nil {
			return // a name of 64 bytes is read but not written
		}
		again, err := open(append(plan.HeaderBytes(), make([]byte, plan.TotalSize()-plan.DataOffset())...))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if len(again.KVs()) != len(file.KVs()) || len(again.Tensors()) != len(file.Tensors()) {
			t.Error("key-values or tensors were lost")
		}
	})
}
