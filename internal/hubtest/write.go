package hubtest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// create makes an empty repository.
func (h *Hub) create(w http.ResponseWriter, req *http.Request) {
	if !h.authorized(req) {
		refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
		return
	}
	var ask struct {
		Name, Organization, Visibility string
		Private                        bool
	}
	if err := json.NewDecoder(req.Body).Decode(&ask); err != nil {
		refuse(w, http.StatusBadRequest, "", "bad request")
		return
	}
	if ask.Organization == "" {
		ask.Organization = "tester"
	}
	id := ask.Organization + "/" + ask.Name
	if h.Repo(id) != nil {
		refuse(w, http.StatusConflict, "", "You already created this model repo")
		return
	}
	r := h.Add(id, map[string][]byte{".gitattributes": []byte("*.gguf filter=lfs diff=lfs merge=lfs -text\n")})
	r.Private = ask.Private || ask.Visibility == "private"
	answer(w, map[string]string{"url": h.URL() + "/" + id, "name": id})
}

// preupload decides which files are stored apart from git.
func (h *Hub) preupload(w http.ResponseWriter, req *http.Request, id string) {
	if !h.authorized(req) {
		refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
		return
	}
	r := h.allowed(w, req, id, false)
	if r == nil {
		return
	}
	var ask struct {
		Files []struct {
			Path string
			Size int64
		}
	}
	if err := json.NewDecoder(req.Body).Decode(&ask); err != nil || len(ask.Files) > 256 {
		refuse(w, http.StatusBadRequest, "", "bad request")
		return
	}
	head := r.Head()
	var files []map[string]any
	for _, f := range ask.Files {
		mode, hash := "regular", gitHash
		if strings.HasSuffix(f.Path, ".gguf") || f.Size > largeFile {
			mode, hash = "lfs", shaOf
		}
		var oid any
		if data, ok := head[f.Path]; ok {
			oid = hash(data)
		}
		files = append(files, map[string]any{"path": f.Path, "uploadMode": mode, "shouldIgnore": slices.Contains(h.Ignored, f.Path), "oid": oid})
	}
	answer(w, map[string]any{"files": files})
}

// lfs answers below /ID.git/.
func (h *Hub) lfs(w http.ResponseWriter, req *http.Request, id string, rest []string) {
	if !h.authorized(req) {
		refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
		return
	}
	var ask struct {
		Objects []struct {
			OID  string
			Size int64
		}
		OID   string
		Parts []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := json.NewDecoder(req.Body).Decode(&ask); err != nil {
		refuse(w, http.StatusBadRequest, "", "bad request")
		return
	}
	switch last := rest[len(rest)-1]; last {
	case "batch":
		var objects []map[string]any
		for _, o := range ask.Objects {
			objects = append(objects, h.batch(id, o.OID, o.Size))
		}
		answer(w, map[string]any{"transfer": "basic", "objects": objects})
	case "complete":
		h.mu.Lock()
		data := bytes.Join(h.pending[ask.OID], nil)
		delete(h.pending, ask.OID)
		ok := shaOf(data) == ask.OID && h.Incomplete == 0
		h.Incomplete = max(h.Incomplete-1, 0)
		if ok {
			h.blobs[ask.OID] = data
		}
		h.mu.Unlock()
		if !ok {
			refuse(w, http.StatusBadRequest, "", "the parts do not give the object")
			return
		}
		answer(w, map[string]any{})
	case "verify":
		h.mu.Lock()
		_, ok := h.blobs[ask.OID]
		h.mu.Unlock()
		if !ok {
			refuse(w, http.StatusNotFound, "", "no such object")
			return
		}
		answer(w, map[string]any{})
	}
}

// batch says how one object is uploaded.
func (h *Hub) batch(id, oid string, size int64) map[string]any {
	h.mu.Lock()
	_, there := h.blobs[oid]
	h.mu.Unlock()
	if there {
		return map[string]any{"oid": oid, "size": size}
	}
	base := h.URL() + "/" + id + ".git/info/lfs/objects/"
	upload := map[string]any{"href": h.sign(http.MethodPut, oid)}
	if h.PartSize > 0 && size > h.PartSize {
		header := map[string]string{"chunk_size": strconv.FormatInt(h.PartSize, 10)}
		n := int((size + h.PartSize - 1) / h.PartSize)
		h.mu.Lock()
		h.pending[oid] = make([][]byte, n)
		h.mu.Unlock()
		for i := range n {
			header[fmt.Sprintf("%05d", i+1)] = h.sign(http.MethodPut, fmt.Sprintf("%s.%d", oid, i))
		}
		upload = map[string]any{"href": base + "complete", "header": header}
	}
	return map[string]any{"oid": oid, "size": size, "actions": map[string]any{
		"upload": upload, "verify": map[string]any{"href": base + "verify"},
	}}
}

// Forget ends all uploads in parts that are not complete.
func (h *Hub) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.pending)
}

// receive takes an object, or a part of one.
func (h *Hub) receive(w http.ResponseWriter, req *http.Request, name string) {
	if h.Fault != nil {
		f := h.faultOf(req)
		if f.CutAfter > 0 {
			_, _ = io.CopyN(io.Discard, req.Body, f.CutAfter)
			panic(http.ErrAbortHandler)
		}
		time.Sleep(f.Stall)
		if f.Status != 0 {
			maps.Copy(w.Header(), f.Header)
			http.Error(w, "fault", f.Status)
			return
		}
	}
	data, err := io.ReadAll(req.Body)
	if err != nil || req.ContentLength != int64(len(data)) {
		http.Error(w, "length required", http.StatusLengthRequired)
		return
	}
	oid, number, part := strings.Cut(name, ".")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Received.Add(int64(len(data)))
	if part {
		i, _ := strconv.Atoi(number)
		if i >= len(h.pending[oid]) {
			http.Error(w, "NoSuchUpload", http.StatusNotFound)
			return
		}
		h.pending[oid][i] = data
		w.Header().Set("ETag", `"part`+number+`"`)
		return
	}
	if shaOf(data) != oid {
		http.Error(w, "wrong content", http.StatusBadRequest)
		return
	}
	h.blobs[oid] = data
}

// commit applies a commit to main.
func (h *Hub) commit(w http.ResponseWriter, req *http.Request, id string) {
	r := h.Repo(id)
	if !h.authorized(req) || r == nil {
		refuse(w, http.StatusUnauthorized, "RepoNotFound", "Repository not found")
		return
	}
	files := maps.Clone(r.Head())
	lines := bufio.NewScanner(req.Body)
	lines.Buffer(nil, 64<<20)
	message := ""
	h.mu.Lock()
	defer h.mu.Unlock()
	for lines.Scan() {
		var line struct {
			Key   string
			Value struct{ Summary, Path, Content, OID string }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			refuse(w, http.StatusBadRequest, "", "bad line")
			return
		}
		switch line.Key {
		case "header":
			message = line.Value.Summary
		case "file":
			data, err := base64.StdEncoding.DecodeString(line.Value.Content)
			if err != nil {
				refuse(w, http.StatusBadRequest, "", "bad content")
				return
			}
			files[line.Value.Path] = data
		case "lfsFile":
			data, ok := h.blobs[line.Value.OID]
			if !ok {
				refuse(w, http.StatusBadRequest, "", "the object was not uploaded")
				return
			}
			files[line.Value.Path] = data
		case "deletedFile":
			delete(files, line.Value.Path)
		}
	}
	if req.URL.Query().Get("create_pr") != "" {
		r.Proposed = files
		answer(w, map[string]any{"success": true, "commitOid": shaOf(nil)[:40], "commitUrl": h.URL() + "/" + id + "/commit/0", "pullRequestUrl": h.URL() + "/" + id + "/discussions/1"})
		return
	}
	commit := r.commit(files)
	r.commits[len(r.commits)-1].message = message
	answer(w, map[string]any{"success": true, "commitOid": commit, "commitUrl": h.URL() + "/" + id + "/commit/" + commit})
}
