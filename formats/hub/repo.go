package hub

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

// Repo is a model repository at one commit. It is an [fs.FS]; nothing of it
// changes any more, whatever happens to the branch.
type Repo struct {
	Name   Name
	Commit string // 40 hexadecimal digits
	Gated  bool

	client *Client
	files  map[string]*entry
	names  []string // sorted
	slots  *semaphore.Weighted
	memory *memory
	order  order
	large  bool // more than the memory has room for

	heads   singleflight.Group // by path
	reading sync.Once          // of the first description

	ctx context.Context // of what is read ahead, which outlives single calls
	end context.CancelFunc
}

// entry is a file of a repository.
type entry struct {
	path string
	size int64
	oid  string // SHA-1 of the git blob
	sha  string // SHA-256 of the content of large files; empty: a plain git file

	mu     sync.Mutex
	signed *target    // where the content lies
	head   []byte     // the first bytes, nil until they are read
	cuts   []int64    // where blocks begin beside those of a regular grid, sorted
	held   []blockKey // that stay in the memory, sorted
}

// FileInfo describes a file of a repository.
type FileInfo struct {
	Path   string
	Size   int64
	SHA256 string // empty for files that git holds itself
}

const (
	maxInfo  = 64 << 20 // of the list of files
	maxFiles = 1 << 17
)

var commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Repo finds a repository and pins the commit that its revision stands for.
func (c *Client) Repo(ctx context.Context, n Name) (*Repo, error) {
	if c.o.Offline {
		return nil, n.place().Invalid("HF_HUB_OFFLINE is set and the cache holds no complete copy")
	}
	u := c.address("api", "models", n.Owner, n.Model, "revision", n.revision())
	u.RawQuery = "blobs=true"
	data, resp, err := c.call(ctx, http.MethodGet, u, nil, nil, maxInfo, n.place())
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, c.refused(resp, n.place())
	}
	var info struct {
		SHA      string `json:"sha"`
		ID       string `json:"id"`
		Gated    any    `json:"gated"`
		Disabled bool   `json:"disabled"`
		Siblings []struct {
			Name string `json:"rfilename"`
			Size *int64 `json:"size"`
			OID  string `json:"blobId"`
			LFS  *struct {
				SHA256 string `json:"sha256"`
				Size   int64  `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(data, &info); err != nil || !commitID.MatchString(info.SHA) {
		return nil, n.place().Corrupt("what the Hub says of the repository cannot be read: is %s a Hub?", c.endpoint.Host)
	}
	if info.Disabled {
		return nil, n.place().Invalid("the Hub has taken it down")
	}
	if len(info.Siblings) > maxFiles {
		return nil, n.place().Corrupt("%d files are more than the %d of any model", len(info.Siblings), maxFiles)
	}
	r := &Repo{
		Name: n, Commit: info.SHA, Gated: info.Gated != nil && info.Gated != false, client: c, files: map[string]*entry{},
		slots: semaphore.NewWeighted(int64(c.o.Connections)), memory: newMemory(c.o.Budget),
	}
	r.ctx, r.end = context.WithCancel(context.WithoutCancel(ctx))
	total := int64(0)
	for _, s := range info.Siblings {
		if !fs.ValidPath(s.Name) || strings.ContainsAny(s.Name, "\\\x00") || s.Name == "." {
			return nil, n.place().Corrupt("%q does not name a file inside the repository", clip(s.Name))
		}
		e := &entry{path: s.Name, oid: s.OID, size: -1}
		if s.Size != nil {
			e.size = *s.Size
		}
		if s.LFS != nil {
			e.sha, e.size = strings.ToLower(s.LFS.SHA256), s.LFS.Size
		}
		total += max(e.size, 0)
		r.files[s.Name] = e
		r.names = append(r.names, s.Name)
	}
	r.large = total > c.o.Budget
	slices.Sort(r.names)
	r.names = slices.Compact(r.names)
	return r, nil
}

// Close stops what is being read ahead. Reads fail after it.
func (r *Repo) Close() error {
	r.end()
	return nil
}

// Held is what the repository holds of its files in memory at most while they
// are read, in bytes.
func (r *Repo) Held() int64 { return r.memory.budget }

// KeepRead has so many bytes more of what is read in the order of [Repo.ReadAhead]
// stay in memory, to be read again.
func (r *Repo) KeepRead(n int64) {
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	r.memory.keep = n
}

// Files lists the files of the repository, sorted by path.
func (r *Repo) Files() []FileInfo {
	list := make([]FileInfo, len(r.names))
	for i, name := range r.names {
		e := r.files[name]
		list[i] = FileInfo{e.path, e.size, e.sha}
	}
	return list
}
