package ollama

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/internal/registrytest"
)

// userKey writes a key as Ollama does and returns its public half.
func userKey(t *testing.T) (path string, public ssh.PublicKey) {
	t.Helper()
	pub, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "id_ed25519")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	public, err = ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return path, public
}

// pusher speaks with a registry of the test in parts of 1000 bytes.
func pusher(key string) *Registry {
	r := NewRegistry(RegistryOptions{Key: key, PlainHTTP: true})
	r.backoff, r.least, r.attempts = time.Millisecond, 1000, 4
	return r
}

func TestPushedModelsAreTheRegistrys(t *testing.T) {
	path, public := userKey(t)
	for name, f := range map[string]struct {
		redirect bool
		change   func(h *registrytest.Registry)
	}{
		"by itself":            {false, func(*registrytest.Registry) {}},
		"through a storage":    {true, func(*registrytest.Registry) {}},
		"with what it loses":   {false, func(h *registrytest.Registry) { h.Lose = 2 }},
		"with broken requests": {false, breaking},
		"with broken storage":  {true, breaking},
	} {
		t.Run(name, func(t *testing.T) {
			h := registrytest.New(t)
			h.Key, h.Redirect = public, f.redirect
			f.change(h)
			n := Name{h.Host(), "me", "small", "q4"}
			m := described(t, Options{Template: "{{ .Prompt }}"}, registrytest.WriteModel(t, "m.gguf", llama))
			r := pusher(path)
			over := false
			digest, err := r.Push(t.Context(), n, m, func(p progress.Report) { over = over || p.Total > 0 && p.Done > p.Total })
			if err != nil || over {
				t.Fatalf("more than all was sent: %v; %v", over, err)
			}
			manifest := h.Manifest("me/small", "q4")
			var got Manifest
			if err := json.Unmarshal(manifest, &got); err != nil || h.Manifest("me/small", digest) == nil || len(got.Layers) != 4 {
				t.Fatalf("%s, %v", manifest, err)
			}
			want, _ := os.ReadFile(m.Files[0].Path)
			if blob := h.Blob(got.Layers[0].Digest); !bytes.Equal(blob, want) {
				t.Errorf("the file has %d bytes there, not %d", len(blob), len(want))
			}
			if saw := h.StorageSaw(); len(saw) > 0 {
				t.Errorf("the storage was shown %q", saw)
			}
			before := h.Received.Load()
			if again, err := pusher(path).Push(t.Context(), n, m, nil); err != nil || again != digest || h.Received.Load() != before {
				t.Errorf("a second push sent %d bytes: %v", h.Received.Load()-before, err)
			}
		})
	}
}

// breaking makes two requests with content fail.
func breaking(h *registrytest.Registry) {
	var count atomic.Int32
	h.Fault = func(r *http.Request) registrytest.Fault {
		if r.ContentLength < 1000 {
			return registrytest.Fault{}
		}
		switch count.Add(1) {
		case 2:
			return registrytest.Fault{CutAfter: 300}
		case 5:
			return registrytest.Fault{Status: http.StatusServiceUnavailable}
		}
		return registrytest.Fault{}
	}
}

// TestStoredModelsArePushedAsTheyLie, the manifest byte for byte.
func TestStoredModelsArePushedAsTheyLie(t *testing.T) {
	h := registrytest.New(t)
	s := Store{t.TempDir()}
	n := Name{h.Host(), "me", "small", "q4"}
	at, err := s.Create(t.Context(), n, described(t, Options{}, registrytest.WriteModel(t, "m.gguf", llama)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pusher("").PushStored(t.Context(), n, s, nil); err != nil {
		t.Fatal(err)
	}
	want, _ := os.ReadFile(at)
	if got := h.Manifest("me/small", "q4"); !bytes.Equal(got, want) {
		t.Errorf("%s, not %s", got, want)
	}
	n.Model = "absent"
	if _, err := pusher("").PushStored(t.Context(), n, s, nil); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("no such model: %v", err)
	}
	for name, text := range map[string]string{"no JSON": "x", "a path": `{"layers":[{"digest":"sha256:../../x"}]}`, "absent": strings.ReplaceAll(string(want), "sha256:", "sha256:0")} {
		if err := os.WriteFile(at, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		n.Model = "small"
		if _, err := pusher("").PushStored(t.Context(), n, s, nil); !errors.Is(err, fault.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusedPushesAreExplained(t *testing.T) {
	mine, public := userKey(t)
	other, _ := userKey(t)
	junk := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(junk, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	status := func(code int) func(*registrytest.Registry) {
		return func(h *registrytest.Registry) {
			h.Fault = func(*http.Request) registrytest.Fault { return registrytest.Fault{Status: code} }
		}
	}
	m := described(t, Options{}, registrytest.WriteModel(t, "m.gguf", llama))
	for name, c := range map[string]struct {
		key    string
		change func(*registrytest.Registry)
		class  error
		want   string
	}{
		"another key":      {other, nil, fault.ErrInvalid, "does not know your key"},
		"no key":           {junk + "x", nil, fault.ErrInvalid, "there is no key"},
		"a broken key":     {junk, nil, fault.ErrCorrupt, "cannot be read"},
		"another's space":  {mine, status(403), fault.ErrInvalid, "may not push there"},
		"a server's fault": {mine, status(500), fault.ErrIO, "answers 500"},
		"a broken answer":  {mine, status(418), fault.ErrIO, "answers 418"},
		"another host's login": {mine, func(h *registrytest.Registry) {
			h.Key = nil
			h.Fault = func(*http.Request) registrytest.Fault {
				return registrytest.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Bearer realm="http://elsewhere.invalid/token",service="x"`}}}
			}
		}, fault.ErrCorrupt, "another host"},
		"a password": {mine, func(h *registrytest.Registry) {
			h.Key = nil
			h.Fault = func(*http.Request) registrytest.Fault {
				return registrytest.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Basic realm="x"`}}}
			}
		}, fault.ErrUnsupported, "kind of login"},
		"nobody there": {mine, func(h *registrytest.Registry) { h.Server.Close() }, fault.ErrIO, "no answer from the registry"},
	} {
		h := registrytest.New(t)
		h.Key = public
		if c.change != nil {
			c.change(h)
		}
		_, err := pusher(c.key).Push(t.Context(), Name{h.Host(), "me", "small", "q4"}, m, nil)
		if !errors.Is(err, c.class) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h := registrytest.New(t)
	r := NewRegistry(RegistryOptions{})
	r.attempts = 1
	if _, err := r.Push(t.Context(), Name{h.Host(), "me", "small", "q4"}, m, nil); err == nil || h.Requests.Load() > 0 {
		t.Errorf("plain HTTP without being told so: %v", err)
	}
}
