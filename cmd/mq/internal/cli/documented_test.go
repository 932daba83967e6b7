package cli

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/safetensors"
	"github.com/f190792d/mq/internal/fixtures/models"
	"github.com/f190792d/mq/internal/hubtest"
)

// notRun are the programs beside mq that pages name, and why no test runs them.
var notRun = map[string]string{
	"go":                           "the tests are run by it",
	"job=$(sbatch":                 "internal/slurmtest runs it on a Slurm",
	"sbatch":                       "internal/slurmtest runs it on a Slurm",
	"ollama":                       "another program, and a server",
	"llama-cli":                    "another program; internal/clienttest loads mq's files with its library",
	"llama-server":                 "another program",
	"skopeo":                       "another program, and a registry",
	"lms":                          "another program",
	"hf":                           "another program, and the network",
	"internal/bench/compare.sh":    "takes minutes, and a build of llama.cpp",
	"internal/bench/rows.sh":       "takes a build of ggml",
	"internal/bench/builds.sh":     "takes an earlier build of mq",
	"internal/bench/perplexity.sh": "takes minutes, and a build of llama.cpp",
	"internal/bench/copy.sh":       "needs a large model",
	"internal/bench/sources.sh":    "takes minutes",
}

// printed are the command lines of the blocks of a page, or of a help text.
func printed(text string) (lines []string) {
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, " #")
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); part != "" {
				lines = append(lines, part)
			}
		}
	}
	return lines
}

// pages returns the command lines of the README, of every page and of every
// help text.
func pages(t *testing.T) map[string][]string {
	t.Helper()
	names, err := filepath.Glob("../../../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]string{}
	blocks := regexp.MustCompile("(?ms)^```(?:sh)?\n(.*?)^```$|^```[a-z]+\n.*?^```$")
	for _, name := range append(names, "../../../../README.md", "../../../../CONTRIBUTING.md", "../../../../SECURITY.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
			of[filepath.Base(name)] = append(of[filepath.Base(name)], printed(block[1])...)
		}
	}
	addHelp(of, []*cobra.Command{(&app{}).root()})
	return of
}

// addHelp adds the examples of commands.
func addHelp(of map[string][]string, list []*cobra.Command) {
	for _, cmd := range list {
		of["help of "+cmd.CommandPath()] = printed(cmd.Example)
		addHelp(of, cmd.Commands())
	}
}

// mq runs one command line in this process.
func mq(args ...string) (code int, stdout, stderr string) {
	var out, notes bytes.Buffer
	code = Main(args, strings.NewReader(""), &out, &notes)
	return code, out.String(), notes.String()
}

const stories = "../../../../testdata/stories-llama"

// TestPrintedCommandsRun runs every command of mq that the README, the pages
// and the help texts print, each in a folder that has what it names.
func TestPrintedCommandsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("short: some eighty runs")
	}
	m := newMaterial(t)
	of, ran := pages(t), map[string]bool{}
	for _, page := range slices.Sorted(maps.Keys(of)) {
		for _, line := range of[page] {
			if ran[line] {
				continue
			}
			ran[line] = true
			words := split(line)
			for len(words) > 0 && regexp.MustCompile(`^[A-Z0-9_]+=`).MatchString(words[0]) {
				words = words[1:] // of the environment
			}
			if len(words) == 0 || notRun[words[0]] != "" {
				continue
			}
			if len(words) > 2 && words[1] == "push" && !strings.HasPrefix(words[2], "hf.co/") {
				continue // a registry that the tests of package publish stand in for
			}
			t.Run(page+"/"+line, func(t *testing.T) { m.run(t, words) })
		}
	}
}

// TestNamedCommandsExist: what stands in a sentence as mq COMMAND --flag is one.
func TestNamedCommandsExist(t *testing.T) {
	names, err := filepath.Glob("../../../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "../../../../README.md", "../../../../SECURITY.md", "../../../../CHANGELOG.md", "../../../../ARCHITECTURE.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, named := range regexp.MustCompile("`mq ([a-z][^`]*)`").FindAllStringSubmatch(string(text), -1) {
			words := strings.Fields(named[1])
			code, help, _ := mq(words[0], "--help")
			if words[0] == "help" {
				code = 0 // help is a command that has no help text
			}
			if code != 0 {
				t.Errorf("%s: %s: no such command", name, named[0])
			}
			for _, word := range words[1:] {
				flag, _, _ := strings.Cut(word, "=")
				if strings.HasPrefix(flag, "-") && !strings.Contains(help, flag) {
					t.Errorf("%s: %s: no such flag", name, named[0])
				}
			}
		}
	}
}

// split divides a command line as a shell does.
func split(line string) (words []string) {
	for _, word := range regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`).FindAllString(line, -1) {
		words = append(words, strings.NewReplacer("'", "", `"`, "").Replace(word))
	}
	return words
}

// material is what the pages' commands work on, by the names in them.
type material map[string]string

// newMaterial makes it of the small trained model.
func newMaterial(t *testing.T) material {
	t.Helper()
	h := hubtest.New(t)
	t.Setenv("HF_ENDPOINT", h.URL())
	t.Setenv("HF_HOME", t.TempDir())
	h.Token = "hf_test"
	t.Setenv("HF_TOKEN", h.Token)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		if req.Method == http.MethodPost && req.URL.Path != "/api/create" {
			w.WriteHeader(http.StatusCreated)
		}
		if req.URL.Path == "/api/create" {
			fmt.Fprintln(w, `{"status":"success"}`)
		}
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	folder, err := filepath.Abs(stories)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir()) // of LM Studio
	t.Setenv("OLLAMA_MODELS", t.TempDir())
	text := strings.Repeat("Once upon a time there was a girl who had a dog. They went to the park to play, and then it rained. ", 40)
	write := func(name, text string) string {
		if err := os.MkdirAll(filepath.Dir(path(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path(name)
	}
	m := material{
		"192.0.2.7": strings.TrimPrefix(server.URL, "http://"), "./Llama-3-8B": folder, "./Qwen3-8B": folder, "./adapter": path("adapter"), "./other": path("adapter"),
		"40": "0", "8192": "256", "131072": "1024", // the text has few chunks, the model a short context
		"~/.local/share/man/man1": t.TempDir(), "calibration.txt": write("calibration.txt", text), "wiki.test.raw": path("calibration.txt"), "text.txt": path("calibration.txt"), "english.txt": path("calibration.txt"), "code.txt": path("calibration.txt"),
		"README.md": write("README.md", "---\nlicense: mit\n---\n"),
		"chat.json": write("chat.json", `[{"role": "user", "content": "Hello"}]`), "tools.json": write("tools.json", "[]"),
		"jobs.yaml": write("jobs.yaml", "types: [q8_0]\nchecks: [verify, structure]\nmodels: [{path: "+folder+"}]\n"),
	}
	for _, id := range []string{"Qwen/Qwen3-8B", "meta-llama/Llama-3.2-1B"} {
		h.AddFolder(t, id, stories)
	}
	for _, id := range []string{"me/model-GGUF", "me/Llama-3-8B-GGUF", "other/Llama-3-8B-GGUF"} {
		h.Add(id, map[string][]byte{"README.md": []byte("---\nlicense: mit\n---\n")})
	}
	m["./New-7B"] = path("New-7B")
	if err := os.CopyFS(path("New-7B"), os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(folder, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	write("New-7B/config.json", strings.Replace(string(config), "LlamaForCausalLM", "NewForCausalLM", 1))
	m["new.yaml"] = write("new.yaml", "parent: LlamaForCausalLM\nclasses: [NewForCausalLM]\n")
	writeAdapter(t, path("adapter"))
	must := func(args ...string) {
		if code, _, says := mq(args...); code != 0 {
			t.Fatalf("%q: exit %d: %s", args, code, says)
		}
	}
	for _, f := range models.All(t) {
		if f.Name == "bert" {
			m["./bge-small-en-v1.5"] = f.Unpack(t)
			must("convert", m["./bge-small-en-v1.5"], "-t", "f16", "-o", path("bge-small.gguf"), "--no-verify")
			m["bge-small.gguf"] = path("bge-small.gguf")
		}
	}
	must("convert", folder, "-t", "bf16,q4_k_m,q8_0", "-o", path("model-{type}.gguf"), "--no-verify")
	must("convert", folder, "-t", "q8_0", "-o", path("model.gguf"), "--split-max-size", "2M", "--no-verify")
	must("imatrix", path("model-BF16.gguf"), "-f", path("calibration.txt"), "-o", path("m.gguf"), "-q")
	must("imatrix", "--in-file", path("m.gguf"), "-o", path("m.dat"))
	_, sums, _ := mq("hash", "--sha256", path("model-Q8_0.gguf"))
	m["model.manifest"] = write("model.manifest", strings.ReplaceAll(sums, path("model-Q8_0.gguf"), "model.gguf"))
	for name, is := range map[string]string{
		"model-BF16.gguf": "model-BF16.gguf", "model-Q8_0.gguf": "model-Q8_0.gguf", "model.gguf": "model-Q8_0.gguf", "model-Q4_K_M.gguf": "model-Q4_K_M.gguf",
		"Llama-3-8B-Q4_K_M.gguf": "model-Q4_K_M.gguf", "Qwen3-8B-Q4_K_M.gguf": "model-Q4_K_M.gguf",
		"Llama-3-8B-Q5_K_M.gguf": "model-Q4_K_M.gguf", "Llama-3-8B-Q8_0.gguf": "model-Q8_0.gguf", "Llama-3-8B-IQ2_M.gguf": "model-Q4_K_M.gguf",
		"*.gguf": "model-Q4_K_M.gguf", "Llama-3-8B-*.gguf": "model-Q4_K_M.gguf", "gemma-3-4b-Q4_K_M.gguf": "model-Q4_K_M.gguf", "a.gguf": "m.gguf", "b.dat": "m.dat",
		"model.imatrix.gguf": "m.gguf", "llama.imatrix.gguf": "m.gguf",
	} {
		m[name] = path(is)
	}
	m["mmproj-gemma-3-4b-F16.gguf"] = path("mmproj.gguf")
	plan, err := gguf.NewPlan(gguf.KVs{{Key: "general.architecture", Value: "clip"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path("mmproj.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := plan.WriteFrame(file); err != nil {
		t.Fatal(err)
	}
	return m
}

// writeAdapter writes a LoRA adapter of one matrix.
func writeAdapter(t *testing.T, dir string) {
	t.Helper()
	factor := func(rows, columns int64) safetensors.Named {
		data := make([]byte, 4*rows*columns)
		for i := range rows * columns {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(0.01*float32(math.Sin(float64(i)))))
		}
		return safetensors.Named{DType: dtype.F32, Shape: []int64{rows, columns}, Data: data}
	}
	a, b := factor(4, 256), factor(256, 4)
	a.Name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
	b.Name = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := safetensors.Write(file, []safetensors.Named{a, b}, nil); err != nil {
		t.Fatal(err)
	}
	config := `{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}`
	if err := os.WriteFile(filepath.Join(dir, "adapter_config.json"), []byte(config), 0o666); err != nil {
		t.Fatal(err)
	}
}

// run runs one command in a new folder with the files that it names.
func (m material) run(t *testing.T, words []string) {
	t.Chdir(t.TempDir())
	if words[0] == "echo" { // into a pipe
		words = words[slices.Index(words, "mq"):]
	}
	if words[0] != "mq" {
		t.Fatalf("neither run nor among those that are not: %q", words)
	}
	args := words[1:]
	if i := slices.IndexFunc(args, func(s string) bool { return s == ">" || s == "|" }); i >= 0 {
		args = args[:i]
	}
	outputs := []string{"-o", "--output", "--imatrix-out", "--save-types"}
	for i, word := range args {
		name, _, _ := strings.Cut(word, ":")
		is, ok := m[name]
		word = strings.ReplaceAll(word, "*", "all")
		args[i] = word
		switch {
		case i > 0 && slices.Contains(outputs, args[i-1]):
			if dir := filepath.Dir(word); dir != "." && !slices.Contains(args, "--mkdir") {
				if err := os.MkdirAll(dir, 0o777); err != nil {
					t.Fatal(err)
				}
			}
		case ok && filepath.IsAbs(is) && !strings.Contains(word, "/"):
			if err := os.Link(is, word); err != nil {
				t.Fatal(err)
			}
		case ok && strings.HasPrefix(name, "./"):
			if err := os.Symlink(is, name); err != nil {
				t.Fatal(err)
			}
		case ok:
			args[i] = is
		}
	}
	if code, _, says := mq(args...); code != 0 {
		t.Errorf("exit %d: %s", code, says)
	}
}
