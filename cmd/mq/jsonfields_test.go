package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/registrytest"
)

// byName are the objects whose keys are names of tensors, of keys or of files.
var byName = []string{"kv", "types", "unseen_experts", "parameters"}

// fields collects the names of the fields in a value.
func fields(value any, into map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			into[key] = true
			if _, object := inner.(map[string]any); !object || !slices.Contains(byName, key) {
				fields(inner, into)
			}
		}
	case []any:
		for _, item := range v {
			fields(item, into)
		}
	}
}

// TestJSONIsDocumented runs every command with --json: what it prints are
// objects of schema 1, one a line, whose fields docs/scripting.md names.
func TestJSONIsDocumented(t *testing.T) {
	if testing.Short() {
		t.Skip("short: some fifty runs")
	}
	stories, err := filepath.Abs("../../testdata/stories-llama")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/scripting.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("OLLAMA_MODELS", t.TempDir())
	writableHub(t)
	text := strings.Repeat("Once upon a time there was a girl who had a dog. They went to the park to play, and then it rained. ", 60)
	tasks := "[label] a\n"
	for name, content := range map[string]string{"text.txt": text, "tasks.txt": tasks, "jobs.yaml": "types: [q8_0]\nchecks: [verify, structure]\nmodels: [{path: " + stories + "}]\n"} {
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range models.All(t) {
		if f.Name == "bert" {
			if err := os.Rename(f.Unpack(t), "encoder"); err != nil {
				t.Fatal(err)
			}
		}
	}
	tested := map[string]bool{}
	seen := map[string]string{} // field by the command that prints it
	for _, c := range []struct {
		line string
		one  bool // object
	}{
		{"convert STORIES -o good.gguf", false}, {"convert STORIES -t q4_k_m --dry-run", false}, {"convert STORIES -t q8_0 -o set.gguf --split-max-size 2M", false},
		{"convert STORIES --target-bpw 5 --sensitivity-by weights -o five.gguf", false}, {"convert STORIES -o good.gguf", false}, // it fails: an error
		{"quantize good.gguf -t q4_k_m -o q4.gguf", false}, {"quantize good.gguf -t q4_0 --refine text.txt -o refined.gguf", false}, {"plan STORIES", true}, {"plan good.gguf -t q4_k_m", true}, {"plan STORIES -t q4_k_m --refine text.txt", true}, {"plan STORIES --target-bpw 5 --sensitivity-by weights", true},
		{"eval good.gguf -f text.txt -c 64", true}, {"eval q4.gguf -f text.txt -c 64 --base good.gguf", true}, {"eval good.gguf --generate Once -n 3", true},
		{"eval good.gguf -f text.txt -c 64 --stride 16 --chunks 2", true},
		{"imatrix good.gguf -f text.txt -c 64 -o m.gguf --show-statistics", false}, {"quantize good.gguf -t iq2_xs --imatrix m.gguf -o small.gguf", false},
		{"validate q4.gguf --against STORIES", true}, {"validate q4.gguf --against good.gguf --rederive", false}, {"validate small.gguf --against good.gguf --rederive --imatrix m.gguf", false},
		{"chat-template good.gguf", true}, {"eval good.gguf --generate Once -n 3 --chat", true},
		{"export good.gguf exported", false},
		{"inspect good.gguf", true}, {"inspect STORIES", true}, {"inspect set-00001-of-00002.gguf --no-tensors", true}, {"tokenize good.gguf -p hello", true}, {"diff good.gguf q4.gguf", true},
		{"split good.gguf --max-size 2M -o part", false}, {"merge set-00001-of-00002.gguf -o whole.gguf", false}, {"hash good.gguf --no-layer", false}, {"types", true}, {"archs", true},
		{"convert encoder -o encoder.gguf", false}, {"validate encoder.gguf --against encoder", true}, {"eval encoder.gguf --embed word --base encoder", true},
		{"batch jobs.yaml --report report.json", false}, {"ollama create small good.gguf --num-ctx 64", false}, {"modelfile good.gguf", true},
		{"push hf.co/org/stories good.gguf --create", false}, {"card good.gguf q4.gguf", false},
		{"push ollama://" + registrytest.New(t).Host() + "/a/b good.gguf --plain-http", false}, {"pack --oci layout good.gguf", false},
	} {
		code, stdout, stderr := mq(t, append(strings.Fields(strings.ReplaceAll(c.line, "STORIES", stories)), "--json")...)
		if code != 0 && code != 3 && !strings.Contains(stdout, `"type":"error"`) {
			t.Errorf("%s: exit %d: %s", c.line, code, stderr)
		}
		lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
		if c.one && len(lines) > 1 && (code == 0 || len(lines) > 2) {
			t.Errorf("%s: %d lines instead of one object", c.line, len(lines))
		}
		for i, line := range lines {
			var object map[string]any
			if err := json.Unmarshal([]byte(line), &object); err != nil {
				t.Fatalf("%s: %v: %s", c.line, err, line)
			}
			if object["schema"] != 1.0 || !c.one && object["type"] == nil && (i > 0 || !strings.HasPrefix(c.line, "validate")) {
				t.Errorf("%s: no schema or no type: %.120s", c.line, line)
			}
			names := map[string]bool{}
			fields(object, names)
			for name := range names {
				seen[name] = c.line
			}
		}
		tested[strings.Fields(c.line)[0]] = true
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if !strings.Contains(string(page), "`"+name+"`") && !strings.Contains(string(page), "."+name+"`") {
			t.Errorf("docs/scripting.md does not name the field %q of: %s", name, seen[name])
		}
	}
	_, help, _ := mq(t, "--help")
	for _, name := range commands(help) {
		if !slices.Contains([]string{"help", "completion", "man"}, name) && !tested[name] {
			t.Errorf("no line for the command %s", name)
		}
	}
	if data, err := os.ReadFile("report.json"); err != nil || !strings.Contains(string(data), `"schema": 1`) {
		t.Error(fmt.Sprint("report.json: ", err, " or no schema"))
	}
}
