// Package registrytest is a registry for tests: blobs and manifests in memory,
// served as OCI's distribution specification says. It can want tokens, signed
// for by a user's key as Ollama does or given for a password, and lead uploads
// to a storage on another host.
package registrytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Registry is a running server and the storage that it may lead to.
type Registry struct {
	Server, Storage *httptest.Server

	Key            ssh.PublicKey // whose signature gets a token; nil: nobody's
	User, Password string        // that get a token; empty: nobody
	Redirect       bool          // parts go to the storage
	Fault          func(*http.Request) Fault
	Lose           int // so many uploads are forgotten at their end

	Received, Requests atomic.Int64 // bytes of content; requests

	mu        sync.Mutex
	blobs     map[string][]byte
	manifests map[string]manifest // by repository and reference
	uploads   map[string]*upload
	seen      []string
}

// Fault is what goes wrong with one request.
type Fault struct {
	Status   int
	Header   http.Header
	CutAfter int64 // bytes of the request, then the connection ends; 0: not
}

type manifest struct {
	mediaType string
	data      []byte
}

// upload is a blob on its way: parts by where they begin.
type upload struct{ parts map[int64][]byte }

const token = "registry-token"

// New starts a registry that ends with the test.
func New(t testing.TB) *Registry {
	r := &Registry{blobs: map[string][]byte{}, manifests: map[string]manifest{}, uploads: map[string]*upload{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	r.Storage = httptest.NewServer(http.HandlerFunc(r.store))
	t.Cleanup(func() {
		r.Server.CloseClientConnections()
		r.Storage.CloseClientConnections()
		r.Server.Close()
		r.Storage.Close()
	})
	return r
}

// Host is the registry's, as names begin with it.
func (r *Registry) Host() string { return strings.TrimPrefix(r.Server.URL, "http://") }

// Manifest returns one by repository and tag, nil where there is none.
func (r *Registry) Manifest(repository, reference string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.manifests[repository+" "+reference].data
}

// Blob returns a blob by its digest.
func (r *Registry) Blob(digest string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blobs[digest]
}

// StorageSaw lists the Authorization headers that reached the storage.
func (r *Registry) StorageSaw() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// disturbed does what the test wants to go wrong.
func (r *Registry) disturbed(w http.ResponseWriter, req *http.Request) bool {
	if r.Fault == nil {
		return false
	}
	f := r.Fault(req)
	if f.CutAfter > 0 {
		_, _ = io.CopyN(io.Discard, req.Body, f.CutAfter)
		panic(http.ErrAbortHandler)
	}
	for key, values := range f.Header {
		w.Header()[key] = values
	}
	if f.Status != 0 {
		refuse(w, f.Status, "fault")
	}
	return f.Status != 0
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": "X", "message": message}}})
}

// serve is the registry.
func (r *Registry) serve(w http.ResponseWriter, req *http.Request) {
	r.Requests.Add(1)
	if req.URL.Path == "/token" {
		r.login(w, req)
		return
	}
	rest, ok := strings.CutPrefix(req.URL.Path, "/v2/")
	wanted := r.Key != nil || r.User != ""
	if ok && wanted && req.Header.Get("Authorization") != "Bearer "+token {
		repository, _, _ := strings.Cut(rest, "/blobs/")
		repository, _, _ = strings.Cut(repository, "/manifests/")
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test",scope="repository:%s:pull,push"`, r.Server.URL, repository))
		refuse(w, http.StatusUnauthorized, "authentication required")
		return
	}
	if r.disturbed(w, req) {
		return
	}
	if at := strings.LastIndex(rest, "/blobs/uploads/"); at >= 0 {
		r.upload(w, req, rest[:at], rest[at+len("/blobs/uploads/"):])
	} else if at := strings.LastIndex(rest, "/blobs/"); at >= 0 {
		r.blob(w, req, rest[at+len("/blobs/"):])
	} else if at := strings.LastIndex(rest, "/manifests/"); at >= 0 {
		r.manifest(w, req, rest[:at], rest[at+len("/manifests/"):])
	} else if !ok || rest != "" {
		refuse(w, http.StatusNotFound, "no such page")
	}
}

// login gives the token to who may have it.
func (r *Registry) login(w http.ResponseWriter, req *http.Request) {
	user, password, basic := req.BasicAuth()
	allowed := basic && r.User != "" && user == r.User && password == r.Password
	if r.Key != nil && !basic {
		public, signature, _ := strings.Cut(req.Header.Get("Authorization"), ":")
		blob, err := base64.StdEncoding.DecodeString(signature)
		nothing := sha256.Sum256(nil)
		text := "GET," + r.Server.URL + req.URL.String() + "," + base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(nothing[:])))
		allowed = err == nil && public == base64.StdEncoding.EncodeToString(r.Key.Marshal()) && len(req.URL.Query().Get("nonce")) == 22 &&
			r.Key.Verify([]byte(text), &ssh.Signature{Format: r.Key.Type(), Blob: blob}) == nil
	}
	if !allowed {
		refuse(w, http.StatusUnauthorized, "who are you?")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"token": token})
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (r *Registry) blob(w http.ResponseWriter, req *http.Request, digest string) {
	r.mu.Lock()
	data, ok := r.blobs[digest]
	r.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "no such blob")
		return
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	if req.Method == http.MethodGet {
		_, _ = w.Write(data)
	}
}

func (r *Registry) manifest(w http.ResponseWriter, req *http.Request, repository, reference string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := repository + " " + reference
	if req.Method == http.MethodPut {
		data, _ := io.ReadAll(req.Body)
		if missing := r.missing(data); missing != "" {
			refuse(w, http.StatusBadRequest, "the blob is not there: "+missing)
			return
		}
		m := manifest{req.Header.Get("Content-Type"), data}
		r.manifests[key], r.manifests[repository+" "+digestOf(data)] = m, m
		w.Header().Set("Docker-Content-Digest", digestOf(data))
		w.WriteHeader(http.StatusCreated)
		return
	}
	m, ok := r.manifests[key]
	if !ok {
		refuse(w, http.StatusNotFound, "no such manifest")
		return
	}
	w.Header().Set("Docker-Content-Digest", digestOf(m.data))
	w.Header().Set("Content-Type", m.mediaType)
	w.Header().Set("Content-Length", fmt.Sprint(len(m.data)))
	if req.Method == http.MethodGet {
		_, _ = w.Write(m.data)
	}
}

// missing is the first blob of a manifest that is not there.
func (r *Registry) missing(data []byte) string {
	var m struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return err.Error()
	}
	for _, l := range append(m.Layers, m.Config) {
		if _, ok := r.blobs[l.Digest]; !ok {
			return l.Digest
		}
	}
	return ""
}

// upload takes a blob, whole or in parts.
func (r *Registry) upload(w http.ResponseWriter, req *http.Request, repository, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Method == http.MethodPost {
		id = fmt.Sprint(len(r.uploads) + 1)
		r.uploads[id] = &upload{map[int64][]byte{}}
		w.Header().Set("Location", "/v2/"+repository+"/blobs/uploads/"+id+"?state=0")
		w.WriteHeader(http.StatusAccepted)
		return
	}
	u := r.uploads[id]
	if u == nil {
		refuse(w, http.StatusNotFound, "no such upload")
		return
	}
	whole := u.whole()
	at := int64(len(whole))
	next := fmt.Sprintf("%s/v2/%s/blobs/uploads/%s?state=%d", r.Server.URL, repository, id, at+1)
	switch {
	case req.Method == http.MethodPatch && r.Redirect && req.Header.Get("X-Redirect-Uploads") == "1":
		from, _, _ := strings.Cut(req.Header.Get("Content-Range"), "-")
		w.Header().Set("Docker-Upload-Location", next)
		w.Header().Set("Location", r.Storage.URL+"/"+id+"/"+from+"?signature=secret")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case req.Method == http.MethodPatch:
		from, _, _ := strings.Cut(req.Header.Get("Content-Range"), "-")
		if from != "" && from != fmt.Sprint(at) {
			refuse(w, http.StatusRequestedRangeNotSatisfiable, "out of order")
			return
		}
		u.parts[at] = r.receive(req)
		w.Header().Set("Location", next)
		w.WriteHeader(http.StatusAccepted)
	case req.Method == http.MethodPut:
		if r.Lose > 0 {
			r.Lose--
			delete(r.uploads, id)
			r.uploads["lost"+id] = nil
			refuse(w, http.StatusNotFound, "lost")
			return
		}
		whole = append(whole, r.receive(req)...)
		if digest := req.URL.Query().Get("digest"); digest != digestOf(whole) {
			refuse(w, http.StatusBadRequest, "the digest is another")
			return
		}
		r.blobs[digestOf(whole)] = whole
		w.Header().Set("Location", "/v2/"+repository+"/blobs/"+digestOf(whole))
		w.WriteHeader(http.StatusCreated)
	}
}

func (u *upload) whole() []byte {
	var all []byte
	for {
		p, ok := u.parts[int64(len(all))]
		if !ok || len(p) == 0 {
			return all
		}
		all = append(all, p...)
	}
}

func (r *Registry) receive(req *http.Request) []byte {
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return nil
	}
	r.Received.Add(int64(len(data)))
	return data
}

// store is the storage.
func (r *Registry) store(w http.ResponseWriter, req *http.Request) {
	if r.disturbed(w, req) {
		return
	}
	var buf bytes.Buffer
	_, err := io.Copy(&buf, req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := req.Header.Get("Authorization"); a != "" {
		r.seen = append(r.seen, a)
	}
	var id string
	var from int64
	if _, scanned := fmt.Sscanf(strings.Replace(req.URL.Path[1:], "/", " ", 1), "%s %d", &id, &from); scanned != nil || err != nil || r.uploads[id] == nil || req.Method != http.MethodPut {
		refuse(w, http.StatusForbidden, "no such upload")
		return
	}
	r.Received.Add(int64(buf.Len()))
	r.uploads[id].parts[from] = buf.Bytes()
}
