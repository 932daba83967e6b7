package ollama

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/registrytest"
)

// running is a server that takes blobs and a call to create.
type running struct {
	blobs  map[string]int
	posted int
	asked  map[string]any
	answer string
	status int
}

func (r *running) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	digest, isBlob := strings.CutPrefix(req.URL.Path, "/api/blobs/")
	switch {
	case r.status != 0:
		http.Redirect(w, req, "http://other.invalid/", r.status)
	case isBlob && req.Method == http.MethodHead:
		if r.blobs[digest] == 0 {
			w.WriteHeader(http.StatusNotFound)
		}
	case isBlob:
		r.posted++
		r.blobs[digest] = len(body)
		w.WriteHeader(http.StatusCreated)
	case req.URL.Path == "/api/create":
		_ = json.Unmarshal(body, &r.asked)
		fmt.Fprint(w, r.answer)
	}
}

func TestServerIsGivenWhatItLacks(t *testing.T) {
	r := &running{blobs: map[string]int{}, answer: "{\"status\":\"parsing\"}\n{\"status\":\"success\"}\n"}
	h := httptest.NewServer(r)
	defer h.Close()
	s, err := NewServer(strings.TrimPrefix(h.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	m := described(t, Options{Template: "{{ .Prompt }}", Context: 1000}, registrytest.WriteModel(t, "m.gguf", llama))
	for range 2 {
		if err := s.Create(t.Context(), Name{DefaultHost, DefaultNamespace, "x", "latest"}, m, nil); err != nil {
			t.Fatal(err)
		}
	}
	if r.posted != 1 || len(r.blobs) != 1 {
		t.Errorf("%d uploads of %d files", r.posted, len(r.blobs))
	}
	files := r.asked["files"].(map[string]any)
	params := r.asked["parameters"].(map[string]any)
	if r.asked["model"] != "x:latest" || r.blobs[files["m.gguf"].(string)] == 0 || r.asked["template"] != "{{ .Prompt }}" || params["num_ctx"] != 1000.0 || params["temperature"] != 0.6 {
		t.Errorf("%v", r.asked)
	}
}

func TestErrorsOfAServerAreErrors(t *testing.T) {
	m := described(t, Options{}, registrytest.WriteModel(t, "m.gguf", llama))
	for name, c := range map[string]struct {
		r     *running
		class error
		want  string
	}{
		"an error in the stream":  {&running{answer: `{"error":"unknown type"}`}, fault.ErrUnsupported, "unknown type"},
		"an end without success":  {&running{answer: `{"status":"parsing"}`}, fault.ErrIO, "ends before"},
		"no JSON":                 {&running{answer: `<html>`}, fault.ErrCorrupt, "cannot be read"},
		"a redirect":              {&running{status: 302}, fault.ErrIO, "302"},
		"another place for ever":  {&running{status: 308}, fault.ErrIO, "308"},
		"nothing where it should": {nil, fault.ErrIO, "no answer from the server at 127.0.0.1"},
	} {
		if c.r != nil {
			c.r.blobs = map[string]int{}
		}
		h := httptest.NewServer(c.r)
		if c.r == nil {
			h.Close()
		}
		s, err := NewServer(h.URL)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Create(t.Context(), Name{DefaultHost, DefaultNamespace, "x", "latest"}, m, nil); !errors.Is(err, c.class) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		h.Close()
	}
	for _, address := range []string{"", "ftp://x", "http://", "http://user:secret@x", "a b", "http://x?y=z"} {
		if _, err := NewServer(address); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
