package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/internal/hubtest"
	"github.com/f190792d/mq/internal/registrytest"
)

// writableHub is a Hub that takes uploads in parts.
func writableHub(t *testing.T) *hubtest.Hub {
	t.Helper()
	h := hubtest.New(t)
	h.Token, h.PartSize = "hf_secret", 300_000
	t.Setenv("HF_ENDPOINT", h.URL())
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_TOKEN", h.Token)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return h
}

func TestPushedFilesAreTheRepositorys(t *testing.T) {
	h := writableHub(t)
	dir := t.TempDir()
	if code, _, notes := command(t, "convert", stories, "-t", "q8_0", "-o", filepath.Join(dir, "m.gguf"), "--no-verify", "--split-max-size", "1M"); code != 0 {
		t.Fatal(notes)
	}
	set, err := filepath.Glob(filepath.Join(dir, "m-*.gguf"))
	if err != nil || len(set) < 2 {
		t.Fatalf("%q, %v", set, err)
	}
	args := []string{"push", "hf.co/org/m-GGUF", set[0], "--create", "--private"}
	puts := 0
	h.Fault = func(r *http.Request) hubtest.Fault {
		if puts++; puts > 2 {
			return hubtest.Fault{Status: http.StatusForbidden}
		}
		return hubtest.Fault{}
	}
	if code, _, notes := command(t, args...); code != 6 || strings.Contains(notes, h.Token) || strings.Contains(notes, "signature") {
		t.Fatalf("exit %d: %s", code, notes)
	}
	h.Fault = nil
	for i := range 2 {
		code, out, notes := command(t, args...)
		if code != 0 || out != h.URL()+"/org/m-GGUF\n" || strings.Contains(notes, "already") != (i > 0) || strings.Contains(notes, h.Token) {
			t.Fatalf("exit %d: %s%s", code, out, notes)
		}
	}
	r := h.Repo("org/m-GGUF")
	if log := r.Log(); len(log) != 2 || !strings.HasPrefix(log[1], "Upload m-00001-of-0000") || !r.Private {
		t.Errorf("%q", log)
	}
	for _, path := range set {
		want, err := os.ReadFile(path)
		if got := r.Head()[filepath.Base(path)]; err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, not %d", path, len(got), len(want))
		}
	}
	if saw := h.StorageSaw(); len(saw) > 0 {
		t.Error("the storage was shown the token")
	}
}

func TestPushesThatCannotBeAreExplained(t *testing.T) {
	h := writableHub(t)
	h.Add("org/there", map[string][]byte{})
	from, err := filepath.Abs(stories)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.md", "x/a.md"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("# "+name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"push hf.co/org/absent a.md":          "no such repository",
		"push hf.co/org/there a.md x/a.md":    "would have one name",
		"push hf.co/org/there x":              "not a regular file",
		"push hf.co/org/there a.md --private": "no effect without --create",
		"push a/b/c/d a.md":                   "does not name a model repository",
		"push hf.co/org/there":                "name the files",
		"push":                                "a destination and files",
		"convert DIR -o x.gguf --lm-studio x": "write PUBLISHER/MODEL", "convert DIR -o x.gguf --lm-studio ../x": "write PUBLISHER/MODEL",
	} {
		if code, _, notes := command(t, strings.Fields(strings.ReplaceAll(line, "DIR", from))...); code != 2 || !strings.Contains(notes, want) {
			t.Errorf("%s: exit %d: %s", line, code, notes)
		}
	}
	for token, want := range map[string]string{"": "set HF_TOKEN", "hf_wrong": "does not accept the token"} {
		t.Setenv("HF_TOKEN", token)
		if code, _, notes := command(t, "push", "hf.co/org/there", "a.md"); code != 2 || !strings.Contains(notes, want) || strings.Contains(notes, "hf_wrong") {
			t.Errorf("token %q: exit %d: %s", token, code, notes)
		}
	}
	if log := h.Repo("org/there").Log(); len(log) != 1 {
		t.Errorf("%q", log)
	}
}

// TestBatchPublishesWhatIsGood: card and files of each model in one commit,
// and again only when something has changed.
func TestBatchPublishesWhatIsGood(t *testing.T) {
	from, err := filepath.Abs(stories)
	if err != nil {
		t.Fatal(err)
	}
	h, registry := writableHub(t), registrytest.New(t)
	t.Chdir(t.TempDir())
	t.Setenv("OLLAMA_MODELS", t.TempDir())
	jobs := func(text string) {
		t.Helper()
		text = strings.NewReplacer("STORIES", from, "REGISTRY", registry.Host()).Replace(text)
		if err := os.WriteFile("jobs.yaml", []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	good := "output: '{model}/{model}-{type}.gguf'\ntypes: [q8_0, q4_0]\nchecks: [verify]\npublish: {card: true, create: true, push: ['hf.co/me/{model}-GGUF']}\n" +
		"models: [{path: STORIES, name: a, base-model: org/a}, {path: STORIES, name: b}]\n"
	jobs(good)
	for i := range 2 {
		code, out, notes := command(t, "batch", "jobs.yaml", "--mkdir")
		if code != 0 || strings.Count(out, "publish") != 2 || (strings.Count(out, "done before") == 6) != (i > 0) {
			t.Fatalf("exit %d: %s%s", code, out, notes)
		}
	}
	head := h.Repo("me/a-GGUF").Head()
	if log := h.Repo("me/a-GGUF").Log(); len(log) != 2 || len(head) != 4 || head["a-Q8_0.gguf"] == nil || head["a-Q4_0.gguf"] == nil {
		t.Errorf("%q, %d files", log, len(head))
	}
	for _, want := range []string{"- org/a\n", "KL divergence", "llama-cli -hf me/a-GGUF:Q4_0"} {
		if !strings.Contains(string(head["README.md"]), want) {
			t.Errorf("no %q in\n%s", want, head["README.md"])
		}
	}
	t.Setenv("HF_TOKEN", "hf_wrong")
	jobs(strings.ReplaceAll(good, "create: true, ", ""))
	if code, out, notes := command(t, "batch", "jobs.yaml", "--mkdir"); code != 2 || !strings.Contains(out, "failed (2): push") || strings.Count(out, "done before") != 4 || strings.Contains(notes, "hf_wrong") {
		t.Errorf("exit %d: %s%s", code, out, notes)
	}
	for text, want := range map[string]string{
		strings.Replace(good, "'{model}/{model}", "'{model}", 1): "one card", strings.Replace(good, "hf.co/me/", "hf.co/me/-", 1): "does not name a model repository",
		strings.Replace(good, "hf.co/me/", "ollama://a/b/c/d/", 1): "not the name of a model",
	} {
		jobs(text)
		if code, _, notes := command(t, "batch", "jobs.yaml", "--mkdir"); code != 2 || !strings.Contains(notes, want) {
			t.Errorf("exit %d: %s", code, notes)
		}
	}
}

var blocks = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestCommandsOfThePageOnPublishingRun, in the order of the page, with a model
// that is small.
func TestCommandsOfThePageOnPublishingRun(t *testing.T) {
	page, err := os.ReadFile("../../docs/publishing.md")
	if err != nil {
		t.Fatal(err)
	}
	from, err := filepath.Abs(stories)
	if err != nil {
		t.Fatal(err)
	}
	h, registry := writableHub(t), registrytest.New(t)
	t.Chdir(t.TempDir())
	t.Setenv("OLLAMA_MODELS", t.TempDir())
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	if err := os.CopyFS("Llama-3-8B", os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	// so small a model has another size in its name, if its card says none
	if err := os.WriteFile("Llama-3-8B/README.md", []byte("---\nbasename: Llama\nsize_label: '3'\nfinetune: 8B\n---\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, block := range blocks.FindAllSubmatch(page, -1) {
		for line := range strings.Lines(string(block[1])) {
			line, _, _ = strings.Cut(line, " #")
			args := words(line)
			if len(args) == 0 || args[0] != "mq" || slices.Contains(args, "--host") {
				continue
			}
			args, to := redirected(args[1:])
			for i, arg := range args { // there are no other hosts here
				if strings.HasPrefix(arg, "oci://") {
					args[i] = strings.Replace(arg, "ghcr.io", registry.Host(), 1)
					args = append(args, "--plain-http")
					break
				}
				args[i] = strings.Replace(arg, "me/llama3", registry.Host()+"/me/llama3", 1)
				if strings.HasPrefix(arg, "ollama://") {
					args = append(args, "--plain-http")
				}
			}
			code, out, notes := command(t, args...)
			if code != 0 {
				t.Errorf("%s: exit %d: %s", line, code, notes)
			}
			if to != "" {
				if err := os.WriteFile(to, []byte(out), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			lines++
		}
	}
	if lines < 7 {
		t.Errorf("only %d commands were found", lines)
	}
	file, _ := os.Stat("Llama-3-8B-Q6_K.gguf")
	if there, err := os.Stat(filepath.Join(home, ".lmstudio", "models", "me", "Llama-3-8B", "Llama-3-8B-Q6_K.gguf")); err != nil || !os.SameFile(file, there) {
		t.Errorf("not where LM Studio looks: %v", err)
	}
	if registry.Manifest("me/llama3", "8b") == nil || registry.Manifest("me/llama3", "8b-q4_k_m") == nil {
		t.Error("the registry has no model")
	}
	if files := h.Repo("me/Llama-3-8B-GGUF").Head(); files["Llama-3-8B-Q5_K_M.gguf"] == nil || files["Llama-3-8B-Q8_0.gguf"] == nil {
		t.Errorf("the repository has %d files", len(files))
	}
}

// words cuts a line as a shell does that knows single quotes alone.
func words(line string) []string {
	var all []string
	for i, piece := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, piece)
		} else {
			all = append(all, strings.Fields(piece)...)
		}
	}
	return all
}

// redirected cuts > FILE off.
func redirected(args []string) (before []string, to string) {
	at := slices.Index(args, ">")
	if at < 0 {
		return args, ""
	}
	return args[:at], args[at+1]
}
