package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/internal/oracle"
)

var testIdentity = identity{Version: "v1", Source: "abc", Plan: "def", Files: []string{"a b.gguf"}}

// writeJournal makes a journal with some records and returns its path.
func writeJournal(t *testing.T) (string, []record) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	j, err := createLog(path, testIdentity)
	if err != nil {
		t.Fatal(err)
	}
	records := []record{{file: 0, off: 0, n: 100, sum: 1}, {file: 1, off: 1 << 40, n: 1, sum: 1<<32 - 1}, {file: 1, named: true}}
	for _, r := range records {
		if r.named {
			err = j.named(r.file)
		} else {
			err = j.wrote(r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	j.keep()
	return path, records
}

func TestJournalReadsBack(t *testing.T) {
	path, want := writeJournal(t)
	j, id, got, err := readLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.keep()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(testIdentity, id); diff != "" {
		t.Error(diff)
	}
}

// TestJournalEndsBeforeTheFirstBadLine cuts a journal at every length, and
// changes a byte at every place: what is read is always a beginning of what
// was written, and it can be appended to.
func TestJournalEndsBeforeTheFirstBadLine(t *testing.T) {
	path, want := writeJournal(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(i int) []byte {
		b := append([]byte(nil), whole...)
		b[i] ^= 0x20
		return b
	}
	for i := range whole {
		for _, content := range [][]byte{whole[:i], changed(i)} {
			if err := os.WriteFile(path, content, 0o666); err != nil {
				t.Fatal(err)
			}
			j, _, got, err := readLog(path)
			if err != nil {
				t.Fatal(err)
			}
			if j == nil {
				continue
			}
			if len(got) >= len(want) {
				t.Fatalf("byte %d: %d records of a damaged journal", i, len(got))
			}
			extra := record{file: 7, n: 3, sum: 9}
			if err := j.wrote(extra); err != nil {
				t.Fatal(err)
			}
			j.keep()
			j, _, again, err := readLog(path)
			if err != nil {
				t.Fatal(err)
			}
			j.keep()
			if diff := cmp.Diff(append(want[:len(got):len(got)], extra), again, cmp.AllowUnexported(record{})); diff != "" {
				t.Fatalf("byte %d: %s", i, diff)
			}
		}
	}
}

func TestIdentitiesSayWhatDiffers(t *testing.T) {
	change := func(f func(*identity)) identity {
		id := testIdentity
		f(&id)
		return id
	}
	for want, id := range map[string]identity{
		"":         testIdentity,
		"v2 then":  change(func(i *identity) { i.Version = "v2" }),
		"input":    change(func(i *identity) { i.Source = "x" }),
		"options":  change(func(i *identity) { i.Plan = "x" }),
		"outputs ": change(func(i *identity) { i.Files = []string{"b"} }),
		"build":    change(func(i *identity) { i.Format = "mq-journal-1" }),
	} {
		if got := testIdentity.differs(id); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q should tell of %q", got, want)
		}
	}
}

// What another build has begun is left as it is, for that build.
func TestJournalOfAnotherFormatIsNotTouched(t *testing.T) {
	path, text := filepath.Join(t.TempDir(), "journal"), ""
	for _, line := range []string{`mq-journal-1 {"version":"v1"}`, "wrote 0 0 100 0123456789abcdef"} {
		text += line + " " + lineSum(line)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	j, id, records, err := readLog(path)
	if err != nil || j == nil || id.Version != "v1" || id.Format != "mq-journal-1" || records != nil {
		t.Fatalf("%v, %+v, %v, %v", j, id, records, err)
	}
	j.keep()
	if after, err := os.ReadFile(path); err != nil || string(after) != text {
		t.Errorf("%q, %v", after, err)
	}
}

// FuzzJournal reads whatever a journal may say, and goes on with it.
func FuzzJournal(f *testing.F) {
	line := func(text string) string { return text + " " + lineSum(text) }
	head := line(`mq-journal-2 {"version":"v1","files":["a.gguf"]}`)
	f.Add(head + line("wrote 0 0 100 0123456789abcdef") + line("named 0"))
	f.Add(head + line("wrote 9 9223372036854775807 9223372036854775807 0") + "wrote 0")
	f.Add(line("mq-journal-2 []"))
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var j *log
		var id identity
		var before []record
		var err error
		oracle.Watched(t, len(text), func() { j, id, before, err = readLog(path) })
		if err != nil {
			t.Fatal(err)
		}
		if j == nil {
			return
		}
		if id.Format != "" {
			j.keep()
			return
		}
		added := record{file: 3, off: 1, n: 2, sum: 4}
		if err := j.wrote(added); err != nil {
			t.Fatal(err)
		}
		j.keep()
		j, _, after, err := readLog(path)
		if err != nil || j == nil {
			t.Fatalf("what was appended is lost: %v", err)
		}
		j.keep()
		if diff := cmp.Diff(append(before, added), after, cmp.AllowUnexported(record{})); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAJournalIsReadWithinItsBounds, whatever it holds.
func TestAJournalIsReadWithinItsBounds(t *testing.T) {
	line := func(text string) string { return text + " " + lineSum(text) }
	head := line(`mq-journal-2 {"version":"v1","files":["a.gguf"]}`)
	for name, piece := range map[string]string{"records": line("named 0"), "ranges": line("wrote 0 0 1 0"), "one line": "x", "zeros": "\x00"} {
		for _, first := range []string{head, ""} {
			path := filepath.Join(t.TempDir(), "journal")
			text := first + strings.Repeat(piece, (16<<20-len(first))/len(piece))
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Run(name, func(t *testing.T) {
				oracle.Bounded(t, len(text), func() {
					if j, _, _, err := readLog(path); err == nil && j != nil {
						j.keep()
					}
				})
			})
		}
	}
}
