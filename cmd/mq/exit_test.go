package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/f190792d/mq/cmd/mq/internal/cli"
)

// mq runs one command line in this process.
func mq(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, notes bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &out, &notes)
	return code, out.String(), notes.String()
}

// TestExitCodes holds docs/scripting.md for every command: paths that do not
// exist, or are of another kind, are the caller's mistake and known before any
// work; content that is broken is 5; 6 is left for devices.
func TestExitCodes(t *testing.T) {
	if testing.Short() {
		t.Skip("short: some two hundred runs")
	}
	stories, err := filepath.Abs("../../testdata/stories-llama")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("OLLAMA_MODELS", t.TempDir())
	for name, text := range map[string]string{
		"junk.gguf": "nothing that anybody would call a model", "junk.dat": "no matrix", "text.txt": "Once upon a time there was a girl.",
		"junk.yaml": "models: 3", "bare/config.json": `{"architectures": ["LlamaForCausalLM"]}`, "tasks.txt": "no tasks",
		"raises.jinja": "{{ raise_exception('no') }}", "broken.jinja": "{% if x %}", "plain.jinja": "{{ messages }}",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS("untold", os.DirFS(stories)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove("untold/tokenizer.json"); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := mq(t, "convert", stories, "-o", "good.gguf"); code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := mq(t, "hash", "good.gguf"); code != 0 {
		t.Fatal(stderr)
	}
	tested := map[string]bool{}
	for _, c := range []struct {
		code int
		line string
	}{
		// Paths that do not exist.
		{2, "convert nowhere"}, {2, "quantize nowhere.gguf -t q8_0"}, {2, "plan nowhere"}, {2, "batch nowhere.yaml"},
		{2, "eval nowhere -f text.txt"}, {2, "eval good.gguf -f nowhere.txt"}, {2, "eval good.gguf -f text.txt --base nowhere"},
		{2, "eval good.gguf --logits nowhere"}, {2, "eval nowhere --generate x"}, {2, "eval good.gguf --hellaswag -f nowhere"},
		{2, "eval nowhere --embed x"}, {2, "eval good.gguf --embed x -f nowhere"},
		{2, "imatrix nowhere -f text.txt -o m.gguf"}, {2, "imatrix good.gguf -f nowhere -o m.gguf"}, {2, "imatrix --in-file nowhere -o m.gguf"},
		{2, "validate nowhere.gguf"}, {2, "validate good.gguf --against nowhere"}, {2, "validate good.gguf --against nowhere --rederive"},
		{2, "validate good.gguf --against STORIES --rederive --imatrix nowhere --no-logits"},
		{2, "inspect nowhere"}, {2, "tokenize nowhere -p x"}, {2, "tokenize good.gguf -f nowhere"}, {2, "diff nowhere good.gguf"}, {2, "diff good.gguf nowhere"},
		{2, "split nowhere --max-size 1M"}, {2, "merge nowhere"}, {2, "hash nowhere"}, {2, "hash good.gguf --check nowhere"},
		{2, "chat-template nowhere"}, {2, "chat-template good.gguf --messages nowhere"}, {2, "chat-template good.gguf --tools junk.gguf"}, {2, "chat-template good.gguf --set x"},
		{2, "chat-template good.gguf --messages text.txt"}, {5, "chat-template good.gguf --name none"}, {5, "chat-template junk.gguf"}, {2, "eval good.gguf -f text.txt --chat"},
		{3, "chat-template raises.jinja"}, {5, "chat-template broken.jinja"}, {2, "chat-template plain.jinja --tokens"}, {0, "chat-template plain.jinja"}, {0, "chat-template good.gguf"},
		{2, "modelfile nowhere"}, {2, "ollama create x nowhere"}, {2, "convert nowhere --ollama x"},
		{2, "push hf.co/a/b nowhere"}, {2, "push hf.co/a/b bare"}, {2, "push nonsense good.gguf"}, {2, "push hf.co/a/b"}, {5, "push hf.co/a/b junk.gguf"}, {2, "push ollama://absent/model"},
		{2, "push ollama://a good.gguf --create"}, {2, "push hf.co/a/b good.gguf --plain-http"}, {2, "push ollama://a/b/c/d good.gguf"},
		{2, "push oci://x good.gguf"}, {2, "push oci://localhost:1/x nowhere"}, {5, "push oci://localhost:1/x junk.gguf"}, {2, "push oci://localhost:1/x"},
		{2, "pack good.gguf"}, {2, "pack --oci bare good.gguf"}, {2, "pack --oci x nowhere"}, {5, "pack --oci x junk.gguf"}, {2, "pack --oci x good.gguf --tag a:b"},
		{2, "card nowhere"}, {2, "card bare"}, {5, "card junk.gguf"}, {2, "card good.gguf --repo x"}, {2, "card good.gguf -o nowhere/x.md"}, {0, "card good.gguf -o -"},
		{2, "convert STORIES -t q4_k --imatrix nowhere"}, {2, "convert STORIES -t q4_k --like nowhere"}, {2, "convert STORIES -t q4_k --tensor-type-file nowhere"},
		{2, "convert STORIES -t q4_k --imatrix-from nowhere"}, {2, "convert STORIES -t q4_k --refine nowhere"}, {5, "convert STORIES -t q4_k --refine text.txt"}, {2, "convert STORIES --refine text.txt"}, {2, "quantize good.gguf -t q4_k --imatrix nowhere"}, {2, "quantize good.gguf -t q4_k --like nowhere"},

		{2, "export nowhere x"}, {2, "export good.gguf good.gguf"}, {2, "export good.gguf nowhere/x"}, {2, "export good.gguf"}, {2, "export good.gguf x --dtype q9"},

		// Outputs that cannot be.
		{2, "convert STORIES -o nowhere/out.gguf"}, {2, "quantize good.gguf -t q8_0 -o nowhere/out.gguf"}, {2, "convert STORIES -o bare"},
		{2, "imatrix good.gguf -f text.txt -o nowhere/m.gguf"}, {2, "validate good.gguf --report nowhere/r.html"}, {2, "validate good.gguf --markdown nowhere/r.md"},
		{2, "validate good.gguf --report good.gguf"}, {2, "split good.gguf --max-size 1M -o nowhere/x"}, {2, "merge good.gguf -o nowhere/x.gguf"},
		{2, "eval good.gguf -f text.txt --save-all-logits nowhere/l"}, {2, "convert STORIES --target-bpw 5 --save-types nowhere/x -o x.gguf"},
		{2, "convert STORIES --target-bpw 5 --sensitivity nowhere/x -o x.gguf"}, {2, "convert STORIES -o good.gguf"},

		// Paths of another kind.
		{2, "convert good.gguf"}, {2, "quantize bare -t q8_0"}, {2, "batch bare"}, {2, "validate bare"}, {2, "split bare --max-size 1M"}, {2, "merge bare"},
		{2, "hash bare"}, {2, "diff bare good.gguf"}, {2, "eval good.gguf -f bare"}, {2, "tokenize good.gguf -f bare"}, {2, "convert STORIES -t q4_k --imatrix bare"},

		// Content that is broken, or not understood.
		{5, "plan junk.gguf"}, {5, "quantize junk.gguf -t q8_0"}, {5, "inspect junk.gguf"}, {5, "tokenize junk.gguf -p x"}, {5, "eval junk.gguf -f text.txt"},
		{5, "imatrix junk.gguf -f text.txt -o m.gguf"}, {5, "validate junk.gguf"}, {5, "diff junk.gguf good.gguf"}, {5, "split junk.gguf --max-size 1M"},
		{5, "merge junk.gguf -o x.gguf"}, {5, "hash junk.gguf"}, {5, "modelfile junk.gguf"}, {5, "export junk.gguf x"}, {5, "ollama create x junk.gguf"}, {5, "convert STORIES -t q4_k --imatrix junk.dat"}, {5, "convert bare"}, {5, "plan bare"},
		{5, "convert untold"}, {5, "plan untold"}, {5, "tokenize untold -p x"}, {5, "eval untold -f text.txt"}, {5, "validate good.gguf --against bare"},
		{5, "hash good.gguf --check junk.dat"}, {5, "eval good.gguf --logits junk.dat"}, {2, "batch junk.yaml"}, {5, "eval good.gguf --hellaswag -f tasks.txt"},

		// What a model does not compute.
		{4, "eval good.gguf --embed x"},

		// Usage.
		{2, "convert"}, {2, "nonsense"}, {2, "convert STORIES --wrong"}, {2, "convert STORIES -t q9_z"}, {2, "quantize good.gguf"}, {2, "plan STORIES -t q9_z"},
		{2, "convert STORIES -j 0"}, {2, "convert STORIES --max-memory lots"}, {2, "types x"}, {2, "archs x"}, {2, "help nonsense"}, {2, "man"}, {2, "man nowhere"}, {2, "man good.gguf"}, {2, "completion nonsense"},

		// Nothing wrong.
		{0, "types"}, {0, "archs"}, {0, "inspect good.gguf"}, {0, "inspect STORIES"}, {0, "plan STORIES"}, {0, "hash good.gguf --no-layer"}, {0, "diff good.gguf good.gguf"},
		{0, "tokenize STORIES -p x"}, {0, "help convert"}, {0, "--version"}, {0, "completion bash"}, {0, "modelfile good.gguf"}, {0, "export good.gguf exported"}, {0, "validate good.gguf"},
	} {
		t.Run(c.line, func(t *testing.T) {
			args := strings.Fields(strings.ReplaceAll(c.line, "STORIES", stories))
			before := listing(t)
			code, _, stderr := mq(t, args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, stderr)
			}
			if code != 0 && strings.Count(stderr, "mq: ") == 0 {
				t.Errorf("no message: %q", stderr)
			}
			if after := listing(t); code != 0 && after != before {
				t.Errorf("left behind: %s, before: %s", after, before)
			}
		})
		tested[strings.Fields(c.line)[0]] = true
	}
	_, help, _ := mq(t, "--help")
	for _, name := range commands(help) {
		if !tested[name] {
			t.Errorf("no row for the command %s", name)
		}
	}
}

// listing names the files of the working folder.
func listing(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return fmt.Sprint(names)
}
