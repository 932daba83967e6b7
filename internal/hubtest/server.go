package hubtest

import (
	"crypto/sha1" //nolint:gosec // the hash of git
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// largeFile is the size from which files are stored apart from git.
const largeFile = 1 << 10

// Hub is a running server and the second host that it redirects to.
type Hub struct {
	Server, Storage *httptest.Server

	Token      string        // that reads gated and private repositories and writes
	Delay      time.Duration // before each answer
	Rate       int64         // bytes a second of all content together; 0: no limit
	Expiry     time.Duration // of signed addresses; 0: never
	Fault      func(r *http.Request) Fault
	PartSize   int64    // uploads above it go in parts; 0: never
	Unredirect bool     // content comes from the Hub itself
	Xet        bool     // files are announced as Xet's
	Ignored    []string // files that the rules of repositories leave out
	Incomplete int      // so many uploads in parts are refused at their end

	Requests, Resolves, Bytes, Received atomic.Int64

	asking  sync.Mutex // of Fault
	mu      sync.Mutex
	repos   map[string]*Repo
	blobs   map[string][]byte // by SHA-256
	pending map[string][][]byte
	bucket  bucket
	seen    []string // authorization headers that the storage saw
	sums    sync.Map // of *byte: SHA-256 of large files, which take long to hash
	files   sync.Map // of *byte: where they lie on the disk
}

// Fault is what goes wrong with one request for content.
type Fault struct {
	Status      int           // instead of the answer
	Header      http.Header   // with that status
	CutAfter    int64         // bytes of the body, then the connection ends; 0: not
	Stall       time.Duration // in the middle of the body
	IgnoreRange bool          // 200 and the whole file
	Flip        bool          // one byte is wrong
}

// Repo is one repository. Change it only through its methods.
type Repo struct {
	hub      *Hub
	ID       string
	Gated    bool
	Private  bool
	Disabled bool
	commits  []commit // the last is main
	Tags     map[string]string
	Proposed map[string][]byte // by the last pull request
}

type commit struct {
	id      string
	files   map[string][]byte
	message string
}

// New starts a server that ends with the test.
func New(t testing.TB) *Hub {
	h := &Hub{repos: map[string]*Repo{}, blobs: map[string][]byte{}, pending: map[string][][]byte{}}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	h.Storage = httptest.NewServer(http.HandlerFunc(h.store))
	t.Cleanup(func() {
		h.Server.CloseClientConnections()
		h.Storage.CloseClientConnections()
		h.Server.Close()
		h.Storage.Close()
	})
	return h
}

// URL is the endpoint of the Hub.
func (h *Hub) URL() string { return h.Server.URL }

// Add creates a repository with one commit.
func (h *Hub) Add(id string, files map[string][]byte) *Repo {
	r := &Repo{hub: h, ID: id, Tags: map[string]string{}}
	h.mu.Lock()
	h.repos[id] = r
	h.mu.Unlock()
	r.Commit(files)
	return r
}

// AddFolder creates a repository with the files of a folder.
func (h *Hub) AddFolder(t testing.TB, id, dir string) *Repo {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(rel)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return h.Add(id, files)
}

// Commit replaces all files and returns the id of the commit.
func (r *Repo) Commit(files map[string][]byte) string {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.commit(files)
}

func (r *Repo) commit(files map[string][]byte) string {
	id := sha1.Sum(fmt.Appendf(nil, "%s %d %v", r.ID, len(r.commits), slices.Sorted(keys(files)))) //nolint:gosec // a name
	r.commits = append(r.commits, commit{hex.EncodeToString(id[:]), files, ""})
	for _, data := range files {
		r.hub.blobs[r.hub.sum(data)] = data
	}
	return r.commits[len(r.commits)-1].id
}

// Head returns the files of the last commit.
func (r *Repo) Head() map[string][]byte {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	return r.commits[len(r.commits)-1].files
}

// Log lists the messages of the commits, the first first.
func (r *Repo) Log() []string {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	var all []string
	for _, c := range r.commits {
		all = append(all, c.message)
	}
	return all
}

// Repo finds a repository, nil where there is none.
func (h *Hub) Repo(id string) *Repo {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.repos[id]
}

// StorageSaw lists the Authorization headers that reached the second host.
func (h *Hub) StorageSaw() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.seen)
}

func keys(files map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}
}

// find returns the commit that a revision stands for.
func (r *Repo) find(revision string) (commit, bool) {
	if revision == "main" {
		return r.commits[len(r.commits)-1], true
	}
	if id, ok := r.Tags[revision]; ok {
		revision = id
	}
	for _, c := range r.commits {
		if c.id == revision {
			return c, true
		}
	}
	return commit{}, false
}

// serve is the Hub.
func (h *Hub) serve(w http.ResponseWriter, req *http.Request) {
	h.Requests.Add(1)
	time.Sleep(h.Delay)
	w.Header().Set("X-Request-Id", "test-request")
	path := strings.Split(strings.TrimPrefix(req.URL.EscapedPath(), "/"), "/")
	for i := range path {
		path[i], _ = url.PathUnescape(path[i])
	}
	switch {
	case match(path, "api", "whoami-v2"):
		if !h.authorized(req) {
			refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
			return
		}
		answer(w, map[string]any{"name": "tester", "type": "user", "orgs": []any{}, "auth": map[string]any{"accessToken": map[string]any{"role": "write"}}})
	case match(path, "api", "repos", "create"):
		h.create(w, req)
	case len(path) >= 4 && path[0] == "api" && path[1] == "models":
		h.api(w, req, path[2]+"/"+path[3], path[4:])
	case len(path) >= 3 && strings.HasSuffix(path[1], ".git"):
		h.lfs(w, req, path[0]+"/"+strings.TrimSuffix(path[1], ".git"), path[2:])
	case len(path) >= 5 && path[2] == "resolve":
		h.resolve(w, req, path[0]+"/"+path[1], path[3], strings.Join(path[4:], "/"))
	default:
		refuse(w, http.StatusNotFound, "", "no such page")
	}
}

func match(path []string, want ...string) bool { return slices.Equal(path, want) }

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	if code != "" {
		w.Header().Set("X-Error-Code", code)
	}
	w.Header().Set("X-Error-Message", message)
	http.Error(w, message, status)
}

func (h *Hub) authorized(req *http.Request) bool {
	return h.Token != "" && req.Header.Get("Authorization") == "Bearer "+h.Token
}

// allowed finds a repository that the caller may read.
func (h *Hub) allowed(w http.ResponseWriter, req *http.Request, id string, content bool) *Repo {
	h.mu.Lock()
	r := h.repos[id]
	h.mu.Unlock()
	given := req.Header.Get("Authorization")
	switch {
	case given != "" && !h.authorized(req):
		refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
	case r == nil, r.Private && given == "":
		refuse(w, http.StatusUnauthorized, "RepoNotFound", "Repository not found")
	case r.Disabled:
		refuse(w, http.StatusForbidden, "", "Access to this resource is disabled.")
	case r.Gated && content && given == "":
		refuse(w, http.StatusUnauthorized, "GatedRepo", "Access to model "+id+" is restricted. You must have access to it and be authenticated to access it.")
	default:
		return r
	}
	return nil
}

// Rewrite changes a file of the last commit without a new one, as a
// repository does whose history is rewritten.
func (r *Repo) Rewrite(name string, data []byte) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.commits[len(r.commits)-1].files[name] = data
	for i := range r.commits {
		if _, ok := r.commits[i].files[name]; ok {
			r.commits[i].files[name] = data
		}
	}
	r.hub.blobs[shaOf(data)] = data
}
