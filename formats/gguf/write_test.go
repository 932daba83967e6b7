package gguf

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

func TestPlanRefusesWhatCannotBeRead(t *testing.T) {
	one := func(name string, typ Type, shape ...int64) []TensorInfo {
		return []TensorInfo{{Name: name, Type: typ, Shape: shape}}
	}
	for _, c := range []struct {
		name    string
		kvs     KVs
		tensors []TensorInfo
		says    string
	}{
		{"empty key", KVs{{"", "x"}}, nil, "empty"},
		{"long key", KVs{{strings.Repeat("k", 65536), "x"}}, nil, "65536"},
		{"key twice", KVs{{"k", "x"}, {"k", "y"}}, nil, `"k"`},
		{"value of a type that files lack", KVs{{"k", 5}}, nil, "int"},
		{"no value", KVs{{"k", nil}}, nil, `"k"`},
		{"scalar in an array of arrays", KVs{{"k", Array{"x"}}}, nil, `"k"`},
		{"odd alignment", KVs{{AlignmentKey, uint32(33)}}, nil, AlignmentKey},
		{"alignment of another type", KVs{{AlignmentKey, int32(32)}}, nil, AlignmentKey},
		{"name of 64 bytes", nil, one(strings.Repeat("n", 64), TypeF32, 1), "64 bytes"},
		{"name twice", nil, append(one("a", TypeF32, 1), one("a", TypeF32, 1)...), "twice"},
		{"five dimensions", nil, one("a", TypeF32, 1, 1, 1, 1, 1), "5 dimensions"},
		{"rows that blocks do not fill", nil, one("a", TypeQ8_0, 33), "Q8_0"},
		{"negative length", nil, one("a", TypeF32, -1), "shape"},
		{"unknown type", nil, one("a", 99, 1), "type 99"},
		{"tensor too large", nil, one("a", TypeF32, math.MaxInt64), "shape"},
		{"file too large", nil, append(one("a", TypeI8, math.MaxInt64-64), one("b", TypeI8, 64)...), "overflows"},
		{"padding too large", nil, one("a", TypeI8, math.MaxInt64), "overflows"},
		{"header and data too large", nil, one("a", TypeI8, math.MaxInt64&^31), "overflows"},
	} {
		if _, err := NewPlan(c.kvs, c.tensors); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want a usage error with %q", c.name, err, c.says)
		}
	}
}

func TestWriterHoldsTensorsToThePlan(t *testing.T) {
	_, tensors := sample()
	plan, err := NewPlan(nil, tensors)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(io.Discard, plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteTensor("cube", strings.NewReader("")); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("a tensor before its turn gives %v", err)
	}
	if _, err := w.Write(make([]byte, tensors[0].Size()+1)); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("too many bytes give %v", err)
	}
	if err := w.Close(); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "432 of its 432 bytes") {
		t.Errorf("Close before the data gives %v", err)
	}
	if err := w.WriteTensor("token_embd.weight", strings.NewReader("short")); !errors.Is(err, fault.ErrCorrupt) {
		t.Errorf("too few bytes give %v", err)
	}
}

type fullAfter int

func (f *fullAfter) Write(p []byte) (int, error) {
	if *f -= fullAfter(len(p)); *f < 0 {
		return 0, fault.IO("no space left")
	}
	return len(p), nil
}

func TestWriterPassesDeviceErrorsOn(t *testing.T) {
	plan, err := NewPlan(nil, []TensorInfo{{Name: "a", Type: TypeI8, Shape: []int64{40}}})
	if err != nil {
		t.Fatal(err)
	}
	header := fullAfter(8)
	if _, err := NewWriter(&header, plan); !errors.Is(err, fault.ErrIO) {
		t.Errorf("a disk that is full at the header gives %v", err)
	}
	for _, space := range []int64{10, 50} { // within the data, within the padding
		disk := fullAfter(plan.DataOffset() + space)
		w, err := NewWriter(&disk, plan)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, 40)); !errors.Is(err, fault.ErrIO) || !strings.Contains(err.Error(), `tensor "a"`) {
			t.Errorf("a disk that is full after %d bytes gives %v", space, err)
		}
		if err := w.Close(); !errors.Is(err, fault.ErrIO) {
			t.Errorf("Close forgets the error: %v", err)
		}
	}
}

func TestPlacingInAnyOrderGivesTheStreamsBytes(t *testing.T) {
	kvs, tensors := sample()
	plan, err := NewPlan(kvs, tensors)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := plan.WriteFrame(file); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i, info := range plan.Tensors {
		w := plan.TensorWriter(file, i)
		for off, b := range payload(info) {
			group.Go(func() {
				if _, err := w.WriteAt([]byte{b}, int64(off)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	got, err := os.ReadFile(file.Name())
	if err != nil || !bytes.Equal(got, build(t, kvs, tensors)) {
		t.Errorf("%d bytes differ from the stream's, error %v", len(got), err)
	}
	if int64(len(got)) != plan.TotalSize() {
		t.Errorf("the plan says %d bytes", plan.TotalSize())
	}
	for _, off := range []int64{-1, 430, math.MaxInt64} {
		if _, err := plan.TensorWriter(file, 0).WriteAt(make([]byte, 4), off); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("4 bytes at %d of a tensor of 432 give %v", off, err)
		}
	}
}
