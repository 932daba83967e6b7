package eval

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
)

func TestAFileOfLogitsStandsForItsModel(t *testing.T) {
	base, model := parrot{vocab: 41, tilt: 2}, parrot{vocab: 41, tilt: 1.5}
	tokens := numbers(64, 41)
	c := Chunking{Context: 16, Batch: 32}
	path := filepath.Join(t.TempDir(), "logits")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := SaveLogits(context.Background(), f, base, tokens, c, nil)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := OpenLogits(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got, err := MeasureAgainst(context.Background(), l, model, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := MeasureDivergence(context.Background(), base, model, tokens, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range [][2]float64{
		{saved.Value, want.Base.Value}, {got.KLD.Value, want.KLD.Value}, {got.Base.Value, want.Base.Value},
		{got.KLDs.Max, want.KLDs.Max}, {got.RMSDelta.Value, want.RMSDelta.Value},
	} {
		if math.Abs(v[0]-v[1]) > 2e-4*(1+v[1]) {
			t.Errorf("%v through the file, %v without", v[0], v[1])
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 20+4*64+4*7*int64(8+42*2) {
		t.Errorf("file of %v bytes, %v", info.Size(), err)
	}
}

func TestRejectsBrokenFilesOfLogits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logits")
	for name, data := range map[string]string{
		"empty": "", "magic": "_LOGITS_\x10\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00",
		"short": "_logits_\x10\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00", "huge": "_logits_\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f",
		"negative": "_logits_\xff\xff\xff\xff\x10\x00\x00\x00\x01\x00\x00\x00",
	} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenLogits(path); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzLogitsFile measures against whatever a file of logits may say.
func FuzzLogitsFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "logits")
	file, err := os.Create(path)
	if err == nil {
		_, err = SaveLogits(context.Background(), file, parrot{vocab: 5, tilt: 1}, numbers(16, 5), Chunking{Context: 4}, nil)
		err = errors.Join(err, file.Close())
	}
	data, readErr := os.ReadFile(path)
	if err := errors.Join(err, readErr); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:20])
	high := bytes.Clone(data)
	copy(high[len(data)-16:], "\x00\x00\x80\x41\x00\x00\x00\x00") // a scale of 16: probabilities above 1
	f.Add(high)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "logits")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := OpenLogits(path)
		if err != nil {
			if !errors.Is(err, fault.ErrCorrupt) {
				t.Errorf("error without a class: %v", err)
			}
			return
		}
		defer l.Close()
		if l.Vocabulary > 1<<12 || len(l.Tokens) > 1<<12 {
			return // right, but slow
		}
		_, err = MeasureAgainst(context.Background(), l, parrot{vocab: l.Vocabulary, tilt: 1}, Chunking{}, nil)
		if err != nil && (!errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), path)) {
			t.Errorf("the error does not blame the file: %v", err)
		}
	})
}
