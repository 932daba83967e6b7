package hub

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/hubtest"
)

func TestCacheKeepsAndServesSnapshots(t *testing.T) {
	h := hubtest.New(t)
	files := model()
	h.Add("org/model", files)
	dir := t.TempDir()
	c := connect(t, h, func(o *Options) { o.Cache = dir })
	r := repo(t, c, "org/model")
	all := func(string) bool { return true }
	if _, ok := r.Snapshot(all); ok {
		t.Error("an empty cache has a snapshot")
	}
	h.Fault = cutting(200_000) // a download goes on after a cut
	kept, err := r.Keep(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(kept, filepath.FromSlash(name))); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if got, ok := r.Snapshot(all); !ok || got != kept {
		t.Errorf("Snapshot = %q, %v", got, ok)
	}
	before := h.Bytes.Load()
	if _, err := r.Keep(t.Context(), all); err != nil || h.Bytes.Load() != before {
		t.Errorf("a complete snapshot was fetched again: %v", err)
	}
	offline, err := NewClient(Options{Cache: dir, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, commit, ok := offline.Cached(r.Name); !ok || got != kept || commit != r.Commit {
		t.Errorf("Cached = %q, %q, %v", got, commit, ok)
	}
	if _, err := offline.Repo(t.Context(), Name{Owner: "org", Model: "other"}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("offline: %v", err)
	}
	leftovers, _ := filepath.Glob(filepath.Join(dir, "*", "blobs", "*incomplete*"))
	if len(leftovers) != 0 {
		t.Errorf("left behind: %v", leftovers)
	}
}

// cutting cuts each answer after n bytes.
func cutting(n int64) func(*http.Request) hubtest.Fault {
	return func(*http.Request) hubtest.Fault { return hubtest.Fault{CutAfter: n} }
}

func TestPushUploadsAndCommits(t *testing.T) {
	for name, part := range map[string]int64{"whole": 0, "parts": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			h := hubtest.New(t)
			h.Token, h.PartSize = "hf_w", part
			c := connect(t, h, func(o *Options) { o.Token = "hf_w" })
			n := Name{Owner: "tester", Model: "model-GGUF"}
			for range 2 { // the second finds it
				if err := c.Create(t.Context(), n, false); err != nil {
					t.Fatal(err)
				}
			}
			weights := random(11, 5<<20+77)
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := os.WriteFile(path, weights, 0o600); err != nil {
				t.Fatal(err)
			}
			var puts atomic.Int32
			h.Fault = func(r *http.Request) hubtest.Fault {
				if r.Method == http.MethodPut && puts.Add(1) == 1 {
					return hubtest.Fault{Status: http.StatusBadGateway}
				}
				return hubtest.Fault{}
			}
			commit := Commit{Message: "Add", Files: []Upload{{Path: "m.gguf", File: path}, {Path: "README.md", Data: []byte("# m\n")}}}
			pushed, err := c.Push(t.Context(), n, commit)
			if err != nil || pushed.Sent != 1 || pushed.Commit == "" {
				t.Fatalf("%+v, %v", pushed, err)
			}
			head := h.Repo("tester/model-GGUF").Head()
			if !bytes.Equal(head["m.gguf"], weights) || string(head["README.md"]) != "# m\n" || head[".gitattributes"] == nil {
				t.Errorf("the repository holds %d files", len(head))
			}
			if pushed, err = c.Push(t.Context(), n, commit); err != nil || pushed.Sent != 0 {
				t.Errorf("a second push sent %d files, %v", pushed.Sent, err)
			}
			if _, err := connect(t, h, nil).Push(t.Context(), n, commit); !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("without a token: %v", err)
			}
		})
	}
}
