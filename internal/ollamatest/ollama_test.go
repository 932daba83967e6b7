//go:build client

package ollamatest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/f190792d/mq/internal/registrytest"
)

const prompt = "Once upon a time"

// TestOllamaTakesOurModels goes every way that leads from mq to Ollama. All of
// them must end at a model with the file's bytes that says what mq says.
func TestOllamaTakesOurModels(t *testing.T) {
	program := os.Getenv("MQ_OLLAMA")
	if program == "" {
		t.Fatal("MQ_OLLAMA does not name the program")
	}
	dir := t.TempDir()
	mq, file := filepath.Join(dir, "mq"), filepath.Join(dir, "stories-Q8_0.gguf")
	run(t, "go", "build", "-o", mq, "../../cmd/mq")
	t.Setenv("HOME", filepath.Join(dir, "home"))
	t.Setenv("OLLAMA_MODELS", filepath.Join(dir, "store"))
	run(t, mq, "convert", "../../testdata/stories-llama", "-t", "q8_0", "-o", file, "--ollama", "stored:q8", "-q")
	s := serve(t, program)

	run(t, mq, "ollama", "create", "created:q8", file, "--host", s.host)

	registry := registrytest.New(t)
	registry.Key = key(t)
	name := registry.Host() + "/me/pushed:q8"
	run(t, mq, "push", "ollama://"+name, file, "--plain-http")
	s.post(t, "/api/pull", map[string]any{"model": "http://" + name, "insecure": true, "stream": false}, nil)

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	digest := "sha256-" + hex.EncodeToString(sum[:])
	blob, err := os.ReadFile(filepath.Join(dir, "store", "blobs", digest))
	if err != nil || !bytes.Equal(blob, data) {
		t.Errorf("the store does not hold the file's bytes: %v", err)
	}
	want := strings.TrimSpace(run(t, mq, "eval", file, "--generate", prompt, "-n", "24"))
	var listed struct {
		Models []struct{ Name string }
	}
	s.get(t, "/api/tags", &listed)
	var template string
	for i, model := range []string{"stored:q8", "created:q8", name} {
		if !slices.ContainsFunc(listed.Models, func(m struct{ Name string }) bool { return strings.HasSuffix(m.Name, model) }) {
			t.Errorf("%s is not in the list %v", model, listed.Models)
			continue
		}
		var shown struct {
			Modelfile, Template, Parameters, License string
			Details                                  struct {
				Family string
				Level  string `json:"quantization_level"`
			}
			Capabilities []string
		}
		s.post(t, "/api/show", map[string]any{"model": model}, &shown)
		if i == 0 {
			template = shown.Template
		}
		if shown.Details.Family != "llama" || shown.Details.Level != "Q8_0" || !strings.Contains(shown.Parameters, "<|eot_id|>") ||
			template == "" || shown.Template != template || !strings.Contains(shown.Modelfile, digest) {
			t.Errorf("%s is shown as %+v", model, shown)
		}
		var said struct{ Response string }
		s.post(t, "/api/generate", map[string]any{
			"model": model, "prompt": prompt, "raw": true, "stream": false,
			"options": map[string]any{"temperature": 0, "num_predict": 24, "repeat_penalty": 1},
		}, &said)
		if got := prompt + said.Response; got != want {
			t.Errorf("%s says %q, mq %q", model, got, want)
		}
	}
}

// server is a running Ollama.
type server struct{ host string }

// serve starts Ollama on a port of its own.
func serve(t *testing.T, program string) server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	l.Close()
	var says bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "serve")
	cmd.Env = append(os.Environ(), "OLLAMA_HOST="+host)
	cmd.Stdout, cmd.Stderr = &says, &says
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // ended by the context
		if t.Failed() {
			t.Logf("%s", says.Bytes())
		}
	})
	for range 300 {
		if resp, err := http.Get("http://" + host + "/api/version"); err == nil {
			resp.Body.Close()
			return server{host}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("Ollama does not answer")
	return server{}
}

func (s server) get(t *testing.T, path string, into any) {
	t.Helper()
	resp, err := http.Get("http://" + s.host + path)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, path, resp, into)
}

func (s server) post(t *testing.T, path string, ask, into any) {
	t.Helper()
	data, err := json.Marshal(ask)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+s.host+path, "application/json", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	decode(t, fmt.Sprint(path, " ", string(data)), resp, into)
}

func decode(t *testing.T, what string, resp *http.Response, into any) {
	t.Helper()
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", what, resp.Status, err, &body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(body.Bytes(), into); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// key is the public half of the key that the server made for the user, which
// mq signs with as well.
func key(t *testing.T) ssh.PublicKey {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(os.Getenv("HOME"), ".ollama", "id_ed25519.pub"))
	if err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var says bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &says
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, &says)
	}
	return string(out)
}
