package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
	"github.com/f190792d/mq/formats/hub"
	"github.com/f190792d/mq/formats/progress"
)

// Hub opens repositories of the Hub by their names, as [hf.Remote]. What it
// has opened it keeps for the run, so that the model that is converted and the
// one that the result is held to are the same commit.
type Hub struct {
	session *Session
	keep    *bool // files are kept in the Hub's cache

	mu     sync.Mutex
	client *hub.Client
	opened map[string]hf.RemoteFiles

	download progress.Report // into the cache
	moving   sync.Mutex      // of the download
}

// NewHub returns the Hub that the environment names.
func (s *Session) NewHub(keep *bool) *Hub {
	return &Hub{session: s, keep: keep, opened: map[string]hf.RemoteFiles{}}
}

// filesNotRepositories are the ends of paths that look like OWNER/NAME.
var filesNotRepositories = []string{".gguf", ".safetensors", ".bin", ".json", ".txt", ".dat"}

// Names reports whether a path names a repository.
func (h *Hub) Names(name string) bool {
	if slices.Contains(filesNotRepositories, strings.ToLower(path.Ext(name))) {
		return false
	}
	o, err := hub.FromEnv()
	_, ok := hub.Parse(name, o.Endpoint)
	return ok || err != nil && strings.Contains(name, "://")
}

// Open finds the files of a repository: a complete copy in the Hub's cache, or
// the Hub itself.
func (h *Hub) Open(ctx context.Context, path string) (hf.RemoteFiles, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if files, ok := h.opened[path]; ok {
		return files, nil
	}
	if err := h.connect(); err != nil {
		return hf.RemoteFiles{}, err
	}
	o, err := hub.FromEnv()
	if err != nil {
		return hf.RemoteFiles{}, err
	}
	name, err := hub.ParseName(path, o.Endpoint)
	if err != nil {
		return hf.RemoteFiles{}, err
	}
	files, err := h.find(ctx, name, o.Offline)
	if err != nil && path == name.String() {
		return hf.RemoteFiles{}, fmt.Errorf("%w (nor is there a folder %s)", err, path)
	}
	if err != nil {
		return hf.RemoteFiles{}, err
	}
	h.opened[path] = files
	return files, nil
}

// connect makes the client once.
func (h *Hub) connect() error {
	if h.client != nil {
		return nil
	}
	o, err := h.session.hubOptions()
	if err != nil {
		return err
	}
	o.Fetched = h.fetched
	h.client, err = hub.NewClient(o)
	return err
}

// fetched counts what came of the Hub.
func (h *Hub) fetched(n int) {
	h.session.Fetched.Add(int64(n))
	h.moving.Lock()
	defer h.moving.Unlock()
	if d := &h.download; d.Total > 0 {
		d.Done = min(d.Done+int64(n), d.Total)
		h.session.Steps().Show(*d)
	}
}

// keepAll downloads files into the cache.
func (h *Hub) keepAll(ctx context.Context, repo *hub.Repo, wanted func(string) bool, size int64) (string, error) {
	total := func(n int64) {
		h.moving.Lock()
		defer h.moving.Unlock()
		h.download = progress.Report{Step: ui.Fetching, Note: repo.Name.String(), Total: n, Bytes: true}
	}
	total(size)
	defer h.session.Steps().Finish()
	defer total(0)
	return repo.Keep(ctx, wanted)
}

// hubOptions are those of the environment and of the run.
func (s *Session) hubOptions() (hub.Options, error) {
	o, err := hub.FromEnv()
	o.Agent = "mq/" + s.Version
	o.Budget = min(128<<20, s.Budget()/12) // the comparison at the end takes most of a small budget
	o.Waiting = s.Waiting("Hub")
	return o, err
}

// Waiting says that a server asks for a pause.
func (s *Session) Waiting(server string) func(pause time.Duration, reason string) {
	return func(pause time.Duration, reason string) {
		s.Note("%s: %s: waiting %s", server, reason, pause.Round(time.Second))
	}
}

// HubAddress is the address of the Hub that the environment names.
func (s *Session) HubAddress() string {
	o, _ := hub.FromEnv() // what is wrong with it is told when it is used
	return cmp.Or(o.Endpoint, hub.DefaultEndpoint)
}

// HubWriter returns a client that uploads, and the address of its Hub. What is
// begun is remembered in the user's cache.
func (s *Session) HubWriter() (*hub.Client, string, error) {
	o, err := s.hubOptions()
	if err != nil {
		return nil, "", err
	}
	if dir, err := os.UserCacheDir(); err == nil {
		o.Unfinished = filepath.Join(dir, "mq", "uploads")
	}
	c, err := hub.NewClient(o)
	return c, cmp.Or(o.Endpoint, hub.DefaultEndpoint), err
}

// find looks for a repository in the cache and on the Hub.
func (h *Hub) find(ctx context.Context, name hub.Name, offline bool) (hf.RemoteFiles, error) {
	dir, commit, cached := h.client.Cached(name)
	if offline && cached {
		short := ""
		if !holdsWeights(dir) {
			short = ", which holds no weights of it; HF_HUB_OFFLINE forbids to fetch them"
		}
		h.session.Note("%s: commit %.12s from the cache%s", name, commit, short)
		return hf.RemoteFiles{Dir: dir, Name: name.Model}, nil
	}
	repo, err := h.client.Repo(ctx, name)
	if err != nil && cached && errors.Is(err, fault.ErrIO) {
		h.session.Warn("%s; the copy in the cache, commit %.12s, is used", err, commit)
		return hf.RemoteFiles{Dir: dir, Name: name.Model}, nil
	}
	if err != nil {
		return hf.RemoteFiles{}, err
	}
	wanted := wantedOf(repo.Files())
	if dir, ok := repo.Snapshot(wanted); ok {
		h.session.Note("%s: commit %.12s from the cache", name, repo.Commit)
		return hf.RemoteFiles{Dir: dir, Name: name.Model}, nil
	}
	count, size := 0, int64(0)
	for _, f := range repo.Files() {
		if wanted(f.Path) {
			count, size = count+1, size+max(f.Size, 0)
		}
	}
	h.session.Note("%s: commit %.12s, %d files, %s", name, repo.Commit, count, ui.Bytes(size))
	if *h.keep {
		dir, err := h.keepAll(ctx, repo, wanted, size)
		return hf.RemoteFiles{Dir: dir, Name: name.Model}, err
	}
	return hf.RemoteFiles{FS: repo, Name: name.Model}, nil
}

// holdsWeights reports whether a folder of the cache is more than the
// configuration or the vocabulary, which other programs fetch alone.
func holdsWeights(dir string) bool {
	names, err := os.ReadDir(dir)
	return err != nil || slices.ContainsFunc(names, func(e os.DirEntry) bool {
		return slices.Contains([]string{".safetensors", ".bin"}, path.Ext(e.Name()))
	})
}

// wantedOf returns which files of a repository mq reads: configuration,
// vocabulary, cards, and weights in the better of two forms.
func wantedOf(files []hub.FileInfo) func(string) bool {
	safe := slices.ContainsFunc(files, func(f hub.FileInfo) bool {
		return !strings.Contains(f.Path, "/") && strings.HasSuffix(f.Path, ".safetensors")
	})
	small := []string{".json", ".jinja", ".model", ".txt", ".md", ".tiktoken"}
	folders := []string{".", "1_Pooling", "2_Dense", "3_Dense", "additional_chat_templates"}
	return func(name string) bool {
		if !slices.Contains(folders, path.Dir(name)) {
			return false
		}
		switch ext := path.Ext(name); ext {
		case ".safetensors":
			return true
		case ".bin":
			return !safe
		default:
			return slices.Contains(small, ext)
		}
	}
}
