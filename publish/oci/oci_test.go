package oci

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/internal/registrytest"
)

var (
	llama = gguf.KVs{
		{Key: "general.architecture", Value: "llama"}, {Key: "general.file_type", Value: uint32(15)}, {Key: "llama.context_length", Value: uint32(4096)},
		{Key: "llama.rope.freq_base", Value: float32(1e6)}, {Key: "tokenizer.ggml.tokens", Value: []string{"a"}},
	}
	clip = gguf.KVs{{Key: "general.architecture", Value: "clip"}}
)

func packed(t *testing.T) (a *Artifact, model string) {
	t.Helper()
	model = registrytest.WriteModel(t, "m.gguf", llama)
	o := Options{Licenses: []string{"MIT"}, FileType: func(n uint64) string { return fmt.Sprint("type ", n) }, Created: time.Unix(1e9, 0).UTC()}
	a, err := Pack(t.Context(), []string{model, registrytest.WriteModel(t, "mmproj-m.gguf", clip), model}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a, model
}

func TestArtifactsAreWhatDockerRuns(t *testing.T) {
	a, _ := packed(t)
	var m manifest
	if err := json.Unmarshal(a.Manifest.Data, &m); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range append(m.Layers, m.Config) {
		got = append(got, l.MediaType+" "+l.Annotations[pathKey])
	}
	if want := []string{modelType + " m.gguf", projectorType + " mmproj-m.gguf", licenseType + " ", configType + " "}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	var d description
	if err := json.Unmarshal(a.Blobs[0].Data, &d); err != nil {
		t.Fatal(err)
	}
	c := d.Config
	if c.Format != "gguf" || c.Architecture != "llama" || c.Parameters != "2.02 K" || c.Quantization != "type 15" || !strings.HasSuffix(c.Size, " KiB") ||
		c.GGUF["llama.rope.freq_base"] != "1e+06" || c.GGUF["llama.context_length"] != "4096" || c.GGUF["tokenizer.ggml.tokens"] != "" ||
		d.RootFS.Type != "rootfs" || len(d.RootFS.DiffIDs) != 3 || d.Descriptor.Created.Unix() != 1e9 {
		t.Errorf("%+v", d)
	}
}

// login writes Docker's configuration with a password for a host.
func login(t *testing.T, host, password string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte("me:"+password)))
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPushedArtifactsArePulled(t *testing.T) {
	h := registrytest.New(t)
	a, model := packed(t)
	n, err := ParseName(h.Host() + "/me/small:q4")
	if err != nil {
		t.Fatal(err)
	}
	var failed atomic.Int32
	h.Fault = func(r *http.Request) registrytest.Fault {
		if r.Method == http.MethodPut && r.ContentLength > 5000 && failed.Add(1) == 1 {
			return registrytest.Fault{CutAfter: 3000}
		}
		return registrytest.Fault{}
	}
	p := Pusher{PlainHTTP: true, attempts: 3, backoff: time.Millisecond, http: http.DefaultClient}
	for range 2 {
		if err := p.Push(t.Context(), n, a, nil); err != nil {
			t.Fatal(err)
		}
	}
	whole := a.Blobs[1].Size + a.Blobs[2].Size + a.Blobs[0].Size + a.Blobs[3].Size
	if sent := h.Received.Load(); sent != whole {
		t.Errorf("%d bytes were taken of %d", sent, whole)
	}
	repo, err := remote.NewRepository(h.Host() + "/me/small")
	if err != nil {
		t.Fatal(err)
	}
	repo.PlainHTTP = true
	got := memory.New()
	if d, err := oras.Copy(t.Context(), repo, "q4", got, "", oras.DefaultCopyOptions); err != nil || d.Digest.String() != a.Manifest.Digest {
		t.Errorf("%v, %v", d, err)
	}
	want, _ := os.ReadFile(model)
	if blob := h.Blob(a.Blobs[1].Digest); !bytes.Equal(blob, want) {
		t.Error("the file is another")
	}
}

func TestLoginIsDockers(t *testing.T) {
	h := registrytest.New(t)
	h.User, h.Password = "me", "pass-word"
	a, _ := packed(t)
	n, err := ParseName(h.Host() + "/me/small")
	if err != nil {
		t.Fatal(err)
	}
	p := Pusher{PlainHTTP: true, attempts: 2, backoff: time.Millisecond, http: http.DefaultClient}
	login(t, h.Host(), "pass-word")
	if err := p.Push(t.Context(), n, a, nil); err != nil || h.Manifest("me/small", "latest") == nil {
		t.Fatal(err)
	}
	login(t, h.Host(), "wrong-word")
	if err := p.Push(t.Context(), n, a, nil); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "docker login") || strings.Contains(err.Error(), "wrong-word") {
		t.Errorf("a wrong password: %v", err)
	}
	login(t, "elsewhere.example", "pass-word")
	if err := p.Push(t.Context(), n, a, nil); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "docker login") {
		t.Errorf("no password: %v", err)
	}
	h.User = ""
	h.Fault = func(*http.Request) registrytest.Fault {
		return registrytest.Fault{Status: http.StatusInternalServerError}
	}
	if err := p.Push(t.Context(), n, a, nil); !errors.Is(err, fault.ErrIO) {
		t.Errorf("a server's fault: %v", err)
	}
	h.Server.Close()
	if err := p.Push(t.Context(), n, a, nil); !errors.Is(err, fault.ErrIO) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestLayoutsHoldSeveralArtifacts(t *testing.T) {
	a, model := packed(t)
	dir := filepath.Join(t.TempDir(), "layout")
	for _, tag := range []string{"q4", "latest", "q4"} {
		if err := a.Layout(t.Context(), dir, tag, nil); err != nil {
			t.Fatal(err)
		}
	}
	store, err := oci.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"q4", "latest"} {
		if d, err := oras.Copy(t.Context(), store, tag, memory.New(), "", oras.DefaultCopyOptions); err != nil || d.Digest.String() != a.Manifest.Digest {
			t.Errorf("%s: %v, %v", tag, d, err)
		}
	}
	all, err := readIndex(dir)
	if err != nil || len(all.Manifests) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	file, _ := os.Stat(model)
	if blob, err := os.Stat(filepath.Join(dir, "blobs", "sha256", a.Blobs[1].Hex())); err != nil || !os.SameFile(file, blob) {
		t.Errorf("the file was copied on one file system: %v", err)
	}
	if err := a.Layout(t.Context(), filepath.Dir(model), "q4", nil); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("into a folder of other files: %v", err)
	}
}

func TestWhatIsNoArtifactIsRefused(t *testing.T) {
	model, projector := registrytest.WriteModel(t, "m.gguf", llama), registrytest.WriteModel(t, "p.gguf", clip)
	adapter := registrytest.WriteModel(t, "a.gguf", gguf.KVs{{Key: "general.architecture", Value: "llama"}, {Key: "general.type", Value: "adapter"}})
	for name, c := range map[string]struct {
		paths []string
		class error
	}{
		"two models": {[]string{model, registrytest.WriteModel(t, "n.gguf", llama)}, fault.ErrInvalid}, "no model": {[]string{projector}, fault.ErrInvalid}, "an adapter": {[]string{model, adapter}, fault.ErrUnsupported},
	} {
		if _, err := Pack(t.Context(), c.paths, Options{}, nil); !errors.Is(err, c.class) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range []string{"", "name", "host/", "host/NAME", "host/a@sha256:" + strings.Repeat("0", 64), "http://host/a", "host/a:b:c"} {
		if n, err := ParseName(s); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%q: %v, %v", s, n, err)
		}
	}
}
