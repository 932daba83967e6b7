package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/cmd/mq/internal/cli"
	"github.com/f190792d/mq/internal/hubtest"
)

const stories = "../../testdata/stories-llama"

// command runs mq and returns what it printed.
func command(t *testing.T, args ...string) (code int, out, notes string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// storiesHub serves the trained model that the repository ships.
func storiesHub(t *testing.T) *hubtest.Hub {
	t.Helper()
	h := hubtest.New(t)
	h.AddFolder(t, "org/stories-llama", stories)
	t.Setenv("HF_ENDPOINT", h.URL())
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_TOKEN", "")
	return h
}

func TestConversionByNameGivesTheBytesOfTheFolder(t *testing.T) {
	h := storiesHub(t)
	local, remote := filepath.Join(t.TempDir(), "m.gguf"), filepath.Join(t.TempDir(), "m.gguf")
	if code, _, notes := command(t, "convert", stories, "-t", "q4_k_m", "-o", local); code != 0 {
		t.Fatal(notes)
	}
	want, err := os.ReadFile(local)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"plain": func() {},
		"cuts": func() {
			n := int64(0)
			h.Fault = func(*http.Request) hubtest.Fault { n++; return hubtest.Fault{CutAfter: 300_000 + 7919*n} }
		},
		"kept": func() { h.Fault = nil },
	} {
		change()
		args := []string{"convert", "org/stories-llama", "-t", "q4_k_m", "-o", remote, "--force"}
		if name == "kept" {
			args = append(args, "--cache")
		}
		code, _, notes := command(t, args...)
		if code != 0 || !strings.Contains(notes, "agrees with the source") {
			t.Fatalf("%s: exit %d: %s", name, code, notes)
		}
		if got, err := os.ReadFile(remote); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, not the %d of the folder (%v)", name, len(got), len(want), err)
		}
	}
	h.Server.Close() // the cache serves what it was told to keep
	t.Setenv("HF_HUB_OFFLINE", "1")
	if code, _, notes := command(t, "convert", "org/stories-llama", "-t", "q8_0", "-o", remote, "--force"); code != 0 {
		t.Errorf("offline: exit %d: %s", code, notes)
	}
	shards, err := filepath.Glob(filepath.Join(os.Getenv("HF_HOME"), "hub", "*", "snapshots", "*", "*.safetensors"))
	for _, shard := range shards { // as where another program fetched the vocabulary alone
		err = errors.Join(err, os.Remove(shard))
	}
	if err != nil || len(shards) == 0 {
		t.Fatal(len(shards), err)
	}
	if code, _, notes := command(t, "inspect", "org/stories-llama"); code == 0 || !strings.Contains(notes, "from the cache, which holds no weights of it") {
		t.Errorf("offline without weights: exit %d: %s", code, notes)
	}
}

func TestOtherCommandsTakeNames(t *testing.T) {
	h := storiesHub(t)
	for _, args := range [][]string{
		{"plan", "org/stories-llama"}, {"inspect", "hf.co/org/stories-llama"}, {"tokenize", h.URL() + "/org/stories-llama", "-p", "Once upon a time"},
	} {
		if code, _, notes := command(t, args...); code != 0 {
			t.Errorf("%v: exit %d: %s", args, code, notes)
		}
	}
	before := h.Bytes.Load()
	if code, _, notes := command(t, "plan", "org/stories-llama", "-t", "q4_k_m"); code != 0 {
		t.Errorf("exit %d: %s", code, notes)
	}
	if n := h.Bytes.Load() - before; n > 2<<20 {
		t.Errorf("a plan fetched %d bytes", n)
	}
}

func TestRepositoriesThatCannotBeReadAreExplained(t *testing.T) {
	h := storiesHub(t)
	h.AddFolder(t, "org/gated", stories).Gated = true
	for name, want := range map[string]string{
		"org/absent":                "no such repository, or it is private",
		"org/gated":                 "accept its terms",
		"org/stories-llama@nothing": "no such revision",
	} {
		code, _, notes := command(t, "convert", name, "-t", "q8_0", "-o", filepath.Join(t.TempDir(), "m.gguf"))
		if code != 2 || !strings.Contains(notes, want) {
			t.Errorf("%s: exit %d: %s", name, code, notes)
		}
	}
}

// TestStoppedConversionsByNameGoOn: what was written before the stop is not
// fetched again.
func TestStoppedConversionsByNameGoOn(t *testing.T) {
	h := storiesHub(t)
	local, remote := filepath.Join(t.TempDir(), "m.gguf"), filepath.Join(t.TempDir(), "m.gguf")
	convert := func(model, out string, more ...string) (int, string) {
		code, _, notes := command(t, append([]string{"convert", model, "-t", "q8_0", "-o", out, "--no-verify", "-j", "1", "--max-memory", "80MiB"}, more...)...)
		return code, notes
	}
	if code, notes := convert(stories, local); code != 0 {
		t.Fatal(notes)
	}
	whole := h.Bytes.Load()
	if code, notes := convert("org/stories-llama", remote+"-first"); code != 0 {
		t.Fatal(notes)
	}
	whole = h.Bytes.Load() - whole
	begin := h.Bytes.Load()
	h.Fault = func(*http.Request) hubtest.Fault {
		left := begin + whole*7/8 - h.Bytes.Load()
		if left <= 0 {
			return hubtest.Fault{Status: http.StatusBadRequest}
		}
		return hubtest.Fault{CutAfter: left}
	}
	if code, notes := convert("org/stories-llama", remote); code == 0 {
		t.Fatalf("the server was gone, and yet: %s", notes)
	}
	h.Fault = nil
	begin = h.Bytes.Load()
	code, notes := convert("org/stories-llama", remote, "--resume")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, notes)
	}
	if n := h.Bytes.Load() - begin; n > whole*3/4 { // chunks of 1 MB were in flight
		t.Errorf("%d of %d bytes were fetched again after seven eighths", n, whole)
	} else {
		t.Logf("%d of %d bytes", n, whole)
	}
	want, err := os.ReadFile(local)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(remote); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, not the %d of the folder (%v)", len(got), len(want), err)
	}
}

// TestMemoryOfTheHubIsCounted: the collector of garbage is given the plan's
// figure as its limit, and would run all the time.
func TestMemoryOfTheHubIsCounted(t *testing.T) {
	storiesHub(t)
	peak := func(model string) int64 {
		code, out, notes := command(t, "convert", model, "-t", "q8_0", "--dry-run", "--json", "--max-memory", "400MiB")
		if code != 0 {
			t.Fatalf("exit %d: %s", code, notes)
		}
		var event struct{ Memory struct{ Peak int64 } }
		for line := range strings.Lines(out) {
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				t.Fatal(err)
			}
		}
		return event.Memory.Peak
	}
	if folder, named := peak(stories), peak("org/stories-llama"); named-folder != 33<<20 { // a twelfth, in whole blocks
		t.Errorf("%d bytes by name, %d of the folder", named, folder)
	}
}

// TestTokensAreWrittenNowhere runs every command that takes a name, with a
// token that is right, wrong, or told back by the server: it is in nothing that
// is printed or written, and goes to no other host.
func TestTokensAreWrittenNowhere(t *testing.T) {
	const good, bad = "hf_GoodSecretGoodSecret", "hf_BadSecretBadSecret"
	h := storiesHub(t)
	h.Token = good
	h.Repo("org/stories-llama").Gated = true
	dir := t.TempDir()
	t.Setenv("HF_HOME", filepath.Join(dir, "home"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	name, out, text := "org/stories-llama", filepath.Join(dir, "m.gguf"), filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("Once upon a time there was a girl. ", 40)), 0o666); err != nil {
		t.Fatal(err)
	}
	commands := [][]string{
		{"convert", name, "-t", "q8_0", "-o", out, "--provenance", "--sha256", "--force"},
		{"convert", name, "-t", "q8_0", "-o", out, "--json", "--force"},
		{"convert", name, "-t", "q8_0", "-o", out, "--cache", "--force"},
		{"convert", name, "-t", "q8_0", "-o", out, "--dry-run", "--force"},
		{"plan", name}, {"plan", name, "--json"}, {"inspect", name}, {"inspect", name, "--json"},
		{"tokenize", name, "-p", "Once"}, {"chat-template", name}, {"eval", "--perplexity", name, "-f", text, "--ctx", "64"},
		{"validate", out, "--against", name, "--report", filepath.Join(dir, "report.html"), "--json"},
		{"imatrix", name, "-f", text, "--ctx", "64", "-o", filepath.Join(dir, "im.gguf")},
		{"push", "hf.co/org/new", out, "--create"}, {"push", "hf.co/org/new", out, "--json"},
	}
	clean := func(what, says string) {
		t.Helper()
		for _, secret := range []string{good, bad} {
			if strings.Contains(says, secret) {
				t.Errorf("%s has %s: %.300s", what, secret, says)
			}
		}
	}
	for _, token := range []string{good, bad, good + " told"} {
		token, told := strings.CutSuffix(token, " told")
		t.Setenv("HF_TOKEN", token)
		h.Fault = nil
		if told {
			h.Fault = func(*http.Request) hubtest.Fault {
				return hubtest.Fault{Status: http.StatusBadRequest, Header: http.Header{"X-Error-Message": {"Authorization: Bearer " + token + " is odd"}}}
			}
			if err := os.RemoveAll(filepath.Join(dir, "home")); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range commands {
			code, printed, notes := command(t, args...)
			if token == good && !told && code != 0 && args[0] != "chat-template" {
				t.Errorf("%v: exit %d: %s", args, code, notes)
			}
			clean(strings.Join(args, " "), printed+notes)
		}
	}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		clean(path, string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if saw := h.StorageSaw(); saw != nil {
		t.Errorf("another host saw %q", saw)
	}
}
