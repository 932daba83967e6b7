//go:build client

package hubtest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/f190792d/mq/formats/hub"
)

// TestHubsOwnClient shows that the server is a true stand-in: huggingface_hub
// downloads from it and uploads to it, and each reads the cache that the other
// wrote. MQ_PYTHON names a Python that has it.
func TestHubsOwnClient(t *testing.T) {
	python := os.Getenv("MQ_PYTHON")
	if python == "" {
		t.Fatal("MQ_PYTHON names no Python with huggingface_hub")
	}
	random := rand.New(rand.NewPCG(1, 2))
	weights := make([]byte, 3<<20+5)
	for i := range weights {
		weights[i] = byte(random.Uint32())
	}
	files := map[string][]byte{
		"config.json": []byte(`{"model_type": "llama"}`), "sub/notes.txt": []byte("notes\n"), "model.safetensors": weights,
	}
	h := New(t)
	h.Token, h.PartSize = "hf_test", 1<<20
	h.Add("org/model", files)
	h.Add("org/gated", files).Gated = true
	theirs, ours, upload := t.TempDir(), t.TempDir(), t.TempDir()
	for name, data := range files {
		path := filepath.Join(upload, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client, err := hub.NewClient(hub.Options{Endpoint: h.URL(), Cache: ours})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := client.Repo(t.Context(), hub.Name{Owner: "org", Model: "model"})
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	if _, err := repo.Keep(t.Context(), func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command(python, "client.py", theirs, ours, upload)
	cmd.Env = append(os.Environ(), "HF_ENDPOINT="+h.URL(), "HF_TOKEN=hf_test", "HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_TELEMETRY=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got := h.Repo("tester/pushed").Head()[name]; !bytes.Equal(got, want) {
			t.Errorf("%s was pushed with %d bytes, not %d", name, len(got), len(want))
		}
	}

	offline, err := hub.NewClient(hub.Options{Cache: theirs, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	dir, commit, ok := offline.Cached(hub.Name{Owner: "org", Model: "model"})
	if !ok || commit != repo.Commit {
		t.Fatalf("the cache of the client is not found: %q, %q", dir, commit)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s from the client's cache: %v", name, err)
		}
	}
}
