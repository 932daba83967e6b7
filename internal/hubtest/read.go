package hubtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the hash of git
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func shaOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// sum is the SHA-256 of a file of a repository, which is computed once.
func (h *Hub) sum(data []byte) string {
	if len(data) == 0 {
		return shaOf(data)
	}
	if known, ok := h.sums.Load(&data[0]); ok {
		return known.(string)
	}
	sum := shaOf(data)
	h.sums.Store(&data[0], sum)
	return sum
}

// oid is git's hash of a file, or of the pointer to a large one.
func (h *Hub) oid(data []byte) string {
	if len(data) >= largeFile {
		return gitHash([]byte("pointer to " + h.sum(data)))
	}
	return gitHash(data)
}

// Lies says which file on the disk has the bytes of one of a repository, as
// the system sends them at least cost.
func (h *Hub) Lies(data []byte, path string) {
	if len(data) > 0 {
		h.files.Store(&data[0], path)
	}
}

// Vouch gives the SHA-256 of a file that takes too long to hash.
func (h *Hub) Vouch(data []byte, sum string) { h.sums.Store(&data[0], sum) }

func gitHash(data []byte) string {
	h := sha1.New() //nolint:gosec // the hash of git
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// api answers below /api/models/ID.
func (h *Hub) api(w http.ResponseWriter, req *http.Request, id string, rest []string) {
	if len(rest) == 2 && rest[0] == "preupload" {
		h.preupload(w, req, id)
		return
	}
	if len(rest) == 2 && rest[0] == "commit" {
		h.commit(w, req, id)
		return
	}
	r := h.allowed(w, req, id, false)
	if r == nil {
		return
	}
	revision := "main"
	if len(rest) >= 2 {
		revision = rest[1]
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := r.find(revision)
	if !ok {
		refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
		return
	}
	if len(rest) >= 2 && rest[0] == "tree" {
		answer(w, h.tree(c))
		return
	}
	var siblings []map[string]any
	for _, name := range slices.Sorted(keys(c.files)) {
		data := c.files[name]
		s := map[string]any{"rfilename": name, "size": len(data), "blobId": h.oid(data)}
		if len(data) >= largeFile {
			s["lfs"] = map[string]any{"sha256": h.sum(data), "size": len(data), "pointerSize": 134}
		}
		siblings = append(siblings, s)
	}
	var gated any = false
	if r.Gated {
		gated = "auto"
	}
	answer(w, map[string]any{
		"_id": "0", "id": r.ID, "modelId": r.ID, "sha": c.id, "private": r.Private, "gated": gated, "disabled": r.Disabled,
		"siblings": siblings, "tags": []any{}, "downloads": 0, "likes": 0, "lastModified": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z",
	})
}

// tree lists all files of a commit.
func (h *Hub) tree(c commit) []map[string]any {
	var list []map[string]any
	for _, name := range slices.Sorted(keys(c.files)) {
		data := c.files[name]
		f := map[string]any{"type": "file", "path": name, "size": len(data), "oid": h.oid(data)}
		if len(data) >= largeFile {
			f["lfs"] = map[string]any{"oid": h.sum(data), "size": len(data), "pointerSize": 134}
		}
		list = append(list, f)
	}
	return list
}

// resolve answers requests for a file: small ones itself, large ones by a
// redirect to a signed address of the other host.
func (h *Hub) resolve(w http.ResponseWriter, req *http.Request, id, revision, path string) {
	h.Resolves.Add(1)
	r := h.allowed(w, req, id, true)
	if r == nil {
		return
	}
	h.mu.Lock()
	c, ok := r.find(revision)
	data, there := c.files[path]
	h.mu.Unlock()
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
		return
	case !there:
		w.Header().Set("X-Repo-Commit", c.id)
		refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	header := w.Header()
	header.Set("X-Repo-Commit", c.id)
	header.Set("Accept-Ranges", "bytes")
	if len(data) < largeFile || h.Unredirect {
		tag := h.sum
		if len(data) < largeFile {
			tag = gitHash
		}
		header.Set("ETag", `"`+tag(data)+`"`)
		h.content(w, req, data)
		return
	}
	header.Set("X-Linked-Size", strconv.Itoa(len(data)))
	header.Set("X-Linked-Etag", `"`+h.sum(data)+`"`)
	if h.Xet {
		header.Set("X-Xet-Hash", shaOf([]byte("xet"+path)))
		header.Set("Link", "<"+h.URL()+"/api/models/"+id+"/xet-read-token/"+c.id+`>; rel="xet-auth"`)
	}
	header.Set("Location", h.sign("GET", h.sum(data)))
	w.WriteHeader(http.StatusFound)
}

// sign makes an address of the storage host that expires.
func (h *Hub) sign(method, name string) string {
	until := int64(1 << 62)
	if h.Expiry > 0 {
		until = time.Now().Add(h.Expiry).UnixNano()
	}
	return fmt.Sprintf("%s/%s?until=%d&signature=%s", h.Storage.URL, name, until, signature(method, name, until))
}

func signature(method, name string, until int64) string {
	m := hmac.New(sha256.New, []byte("storage"))
	fmt.Fprint(m, method, name, until)
	return hex.EncodeToString(m.Sum(nil))
}

// store is the storage host.
func (h *Hub) store(w http.ResponseWriter, req *http.Request) {
	h.Requests.Add(1)
	time.Sleep(h.Delay)
	if a := req.Header.Get("Authorization"); a != "" {
		h.mu.Lock()
		h.seen = append(h.seen, a)
		h.mu.Unlock()
	}
	method := req.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	name := strings.TrimPrefix(req.URL.Path, "/")
	until, err := strconv.ParseInt(req.URL.Query().Get("until"), 10, 64)
	if err != nil || req.URL.Query().Get("signature") != signature(method, name, until) || time.Now().UnixNano() > until {
		http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
		return
	}
	if method == http.MethodPut {
		h.receive(w, req, name)
		return
	}
	h.mu.Lock()
	data := h.blobs[name]
	h.mu.Unlock()
	w.Header().Set("ETag", `"`+name+`"`)
	w.Header().Set("Accept-Ranges", "bytes")
	h.content(w, req, data)
}

// faultOf asks for the fault of one request at a time.
func (h *Hub) faultOf(req *http.Request) (f Fault) {
	if h.Fault == nil {
		return f
	}
	h.asking.Lock()
	defer h.asking.Unlock()
	return h.Fault(req)
}

// content serves bytes with the faults that are asked for.
func (h *Hub) content(w http.ResponseWriter, req *http.Request, data []byte) {
	f := h.faultOf(req)
	if f.Status != 0 {
		for key, values := range f.Header {
			w.Header()[key] = values
		}
		w.Header().Del("ETag")
		http.Error(w, "fault", f.Status)
		return
	}
	if f.IgnoreRange {
		req.Header.Del("Range")
	}
	if f.Flip && len(data) > 0 {
		data = bytes.Clone(data)
		data[len(data)/2] ^= 1
	}
	out := &paced{ResponseWriter: w, hub: h, fault: f, data: data}
	http.ServeContent(out, req, "", time.Time{}, bytes.NewReader(data))
}

// paced writes a body under the rate and with the fault of its request.
type paced struct {
	http.ResponseWriter
	hub   *Hub
	fault Fault
	sent  int64
	data  []byte // the whole file
}

// ReadFrom writes a range from where it lies, without the copy that net/http
// would make, so that a server on the same machine takes little of it.
func (p *paced) ReadFrom(r io.Reader) (n int64, err error) {
	span, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(struct{ io.Writer }{p}, r)
	}
	here, ok := span.R.(*bytes.Reader)
	if !ok {
		return io.Copy(struct{ io.Writer }{p}, r)
	}
	from := int64(len(p.data) - here.Len())
	rest := p.data[from:]
	rest = rest[:min(int64(len(rest)), span.N)]
	piece := 1 << 20
	if !p.fault.undisturbed() || p.hub.Rate > 0 {
		piece = 16 << 10
	}
	if len(rest) > 0 && p.fault.undisturbed() {
		if path, ok := p.hub.files.Load(&p.data[0]); ok {
			return p.sendFile(path.(string), from, int64(len(rest)))
		}
	}
	for len(rest) > 0 && err == nil {
		var m int
		m, err = p.Write(rest[:min(piece, len(rest))])
		n, rest = n+int64(m), rest[m:]
	}
	return n, err
}

// sendFile has the system send a range of a file.
func (p *paced) sendFile(path string, from, size int64) (n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return 0, err
	}
	piece := int64(4 << 20)
	if p.hub.Rate > 0 {
		piece = 128 << 10
	}
	for n < size && err == nil {
		var m int64
		m, err = io.CopyN(p.ResponseWriter, f, min(piece, size-n))
		p.hub.bucket.take(p.hub.Rate, int(m))
		p.hub.Bytes.Add(m)
		n += m
	}
	return n, err
}

func (f Fault) undisturbed() bool { return f.CutAfter == 0 && f.Stall == 0 }

func (p *paced) Write(b []byte) (int, error) {
	if p.fault.CutAfter > 0 && p.sent+int64(len(b)) > p.fault.CutAfter {
		n, _ := p.ResponseWriter.Write(b[:max(p.fault.CutAfter-p.sent, 0)])
		p.hub.Bytes.Add(int64(n))
		panic(http.ErrAbortHandler)
	}
	if p.fault.Stall > 0 && p.sent > 0 {
		if f, ok := p.ResponseWriter.(http.Flusher); ok {
			f.Flush()
		}
		time.Sleep(p.fault.Stall)
		p.fault.Stall = 0
	}
	p.hub.bucket.take(p.hub.Rate, len(b))
	n, err := p.ResponseWriter.Write(b)
	p.sent += int64(n)
	p.hub.Bytes.Add(int64(n))
	return n, err
}

// burst is how much of a line's time a sender who was late may catch up on.
const burst = 50 * time.Millisecond

// bucket spreads bytes over time.
type bucket struct {
	mu   sync.Mutex
	next time.Time
}

func (b *bucket) take(rate int64, n int) {
	if rate <= 0 {
		return
	}
	b.mu.Lock()
	now := time.Now()
	if late := now.Add(-burst); b.next.Before(late) {
		b.next = late
	}
	b.next = b.next.Add(time.Duration(int64(n) * int64(time.Second) / rate))
	wait := b.next.Sub(now)
	b.mu.Unlock()
	if wait > 5*time.Millisecond {
		time.Sleep(wait - 5*time.Millisecond)
	}
}
