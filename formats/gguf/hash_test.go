package gguf

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/shared"
	"github.com/google/go-cmp/cmp"
)

// letters has two tensors with the data "abc" and "a".
func letters(t *testing.T) *File {
	t.Helper()
	b := withTensors(64, info("x", TypeI8, 0, 3), info("y", TypeI8, 32, 1))
	copy(b[len(b)-64:], "abc")
	b[len(b)-32] = 'a'
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func lines(t *testing.T, f *File, name string, kinds []HashKind, whole bool) []string {
	t.Helper()
	var list []string
	if err := Hash(context.Background(), f, name, kinds, whole, func(d Digest) { list = append(list, d.String()) }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestHashesAreThoseOfTheData(t *testing.T) {
	// The published test vectors of each hash; xxh64 with the seed 0.
	want := []string{
		"xxh64     44bc2cf5ad770999  m.gguf:x",
		"sha1      a9993e364706816aba3e25717850c26c9cd0d89d  m.gguf:x",
		"sha256    ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  m.gguf:x",
		"xxh64     d24ec4f1a98c6e5b  m.gguf:y",
		"sha1      86f7e437faa5a7fce15d1ddcb9eaeaea377667b8  m.gguf:y",
		"sha256    ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  m.gguf:y",
	}
	got := lines(t, letters(t), "m.gguf", []HashKind{SHA256, SHA1, XXH64}, false)
	if len(got) != 9 {
		t.Fatalf("%d lines, want 9", len(got))
	}
	if diff := cmp.Diff(want, got[:6]); diff != "" {
		t.Error(diff)
	}
}

func TestHashesOfARealModel(t *testing.T) {
	f, err := Open(shared.Path(t, "golden", "quantize", "odd.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := []string{ // computed with Python's hashlib and uuid
		"sha1      afc5d41c69ae635b0936cd06248e7662f34c973b  odd.gguf",
		"sha256    c982a5dfe3ba69782fb2425c4461f7c14acc2b1c5e3df487d104dc832f5093ea  odd.gguf",
		"uuid      5631e675-df9a-5e2c-9528-a02aa606f713  odd.gguf",
	}
	if diff := cmp.Diff(want, lines(t, f, "odd.gguf", []HashKind{UUID, SHA1, SHA256}, true)); diff != "" {
		t.Error(diff)
	}
}

func TestHashRefusesUnknownKinds(t *testing.T) {
	err := Hash(context.Background(), letters(t), "m", []HashKind{"md5"}, false, func(Digest) {})
	if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "md5") {
		t.Errorf("got %v", err)
	}
}

func TestVerifyHoldsAFileToItsManifest(t *testing.T) {
	all := []HashKind{XXH64, SHA1, SHA256, UUID}
	good := strings.Join(lines(t, letters(t), "m.gguf", all, false), "\n")
	for _, c := range []struct {
		name, manifest, says string
		ok, mismatch, absent int
	}{
		{"all well", good, "", 3, 0, 0},
		{"comments and other files", "# made yesterday\nsha256  00  other.gguf\n" + good, "", 3, 0, 0},
		{"upper case", strings.ReplaceAll(good, "ba7816bf", "BA7816BF"), "", 3, 0, 0},
		{"a tensor changed", strings.ReplaceAll(good, "ba7816bf", "00000000"), "m.gguf:x: its data differ", 2, 1, 0},
		{"a tensor more", good + "\nsha256    00  m.gguf:z", `tensor "z"`, 3, 0, 0},
		{"the model alone", strings.Join(lines(t, letters(t), "m.gguf", all, true), "\n"), "", 1, 0, 2},
		{"other file", strings.ReplaceAll(good, "m.gguf", "n.gguf"), "no line for this file", 0, 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			manifest, err := ReadManifest(strings.NewReader(c.manifest), "m.manifest")
			if err != nil {
				t.Fatal(err)
			}
			count := map[Status]int{}
			err = Verify(context.Background(), letters(t), "m.gguf", manifest, []HashKind{Strongest(manifest)}, func(d Digest, s Status) {
				if d.Kind != SHA256 {
					t.Errorf("%s is checked", d.Kind)
				}
				count[s]++
			})
			if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, fault.ErrCheck) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			want := map[Status]int{StatusOK: c.ok, StatusMismatch: c.mismatch, StatusNotFound: c.absent}
			for s, n := range want {
				if count[s] != n {
					t.Errorf("%d are %s, want %d", count[s], s, n)
				}
			}
		})
	}
	if _, err := ReadManifest(strings.NewReader("what a fine day\n"), "m.manifest"); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "m.manifest") {
		t.Errorf("a manifest without lines gives %v", err)
	}
}
