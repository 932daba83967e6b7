package hub

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the hash of git
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
)

// Upload is a file on its way into a repository.
type Upload struct {
	Path string // within the repository
	File string // on the disk; or
	Data []byte // its content
}

// Commit is what a push does to a repository.
type Commit struct {
	Message     string
	Description string
	Files       []Upload
	PullRequest bool // opens one instead of writing to the branch
	Progress    progress.Func
}

// Pushed says what came of a commit.
type Pushed struct {
	Commit      string   `json:"commitOid"` // empty where the repository held all the files already
	URL         string   `json:"commitUrl"`
	PullRequest string   `json:"pullRequestUrl"`
	Sent        int      `json:"-"` // large files whose content was uploaded; the others were there
	Ignored     []string `json:"-"` // files that the repository's own rules leave out
}

// Create makes a model repository. One that exists is left as it is.
func (c *Client) Create(ctx context.Context, n Name, private bool) error {
	ask := map[string]any{"name": n.Model, "organization": n.Owner, "type": "model"}
	if private {
		ask["visibility"] = "private"
	}
	if user, err := c.CheckToken(ctx); err != nil {
		return err
	} else if user == n.Owner {
		delete(ask, "organization")
	}
	_, resp, err := c.post(ctx, []string{"api", "repos", "create"}, ask, n.place())
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusConflict, resp.StatusCode < 300:
		return nil
	}
	return c.refused(resp, n.place())
}

// post sends an object as JSON.
func (c *Client) post(ctx context.Context, segments []string, ask any, at fault.Place) ([]byte, *status, error) {
	body, err := jsonReader(ask)
	if err != nil {
		return nil, nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return c.call(ctx, http.MethodPost, c.address(segments...), header, body, maxInfo, at)
}

func unmarshal(data []byte, to any, at fault.Place) error {
	if err := json.Unmarshal(data, to); err != nil {
		return at.Corrupt("the Hub's answer cannot be read: %w", err)
	}
	return nil
}

// object is a file with what the protocol wants to know of it.
type object struct {
	Upload
	size  int64
	sha   string
	git   string // the hash of git
	lfs   bool
	skip  bool   // excluded by the repository's own rules
	there string // the hash of what the repository holds under the path
}

// changed reports whether a commit of the object changes the repository.
func (o *object) changed() bool {
	if o.lfs {
		return o.there != o.sha
	}
	return o.there != o.git
}

// Push uploads files and commits them in one commit. What the Hub refuses is
// known before a file is read in full. Large files that the Hub has already are
// not sent again, nor are the parts of one that a push which was stopped has
// sent, so that the same push goes on where it was.
func (c *Client) Push(ctx context.Context, n Name, commit Commit) (*Pushed, error) {
	if c.o.Token == "" {
		return nil, n.place().Invalid("writing needs a token: set HF_TOKEN")
	}
	if c.o.Offline {
		return nil, n.place().Invalid("HF_HUB_OFFLINE is set, and writing needs the network")
	}
	var objects []*object
	for _, u := range commit.Files {
		objects = append(objects, &object{Upload: u})
	}
	if err := c.preupload(ctx, n, objects); err != nil {
		return nil, err
	}
	pushed := &Pushed{}
	var changed []*object
	for _, o := range objects {
		if o.skip {
			pushed.Ignored = append(pushed.Ignored, o.Path)
			continue
		}
		if err := o.hash(ctx, commit.Progress); err != nil {
			return nil, err
		}
		if o.changed() {
			changed = append(changed, o)
		}
	}
	if len(changed) == 0 {
		return pushed, nil
	}
	var err error
	if pushed.Sent, err = c.uploadLarge(ctx, n, changed, commit.Progress); err != nil {
		return nil, err
	}
	return pushed, c.commit(ctx, n, commit, changed, pushed)
}

// hash reads the whole file.
func (o *object) hash(ctx context.Context, report progress.Func) error {
	r, size, err := o.open()
	if err != nil {
		return err
	}
	defer r.Close()
	o.size = size
	sha, git := sha256.New(), sha1.New() //nolint:gosec // the hash of git
	fmt.Fprintf(git, "blob %d\x00", size)
	w := io.MultiWriter(sha, git)
	if o.lfs {
		w = sha
	}
	at := progress.Report{Step: "hashing", Note: o.Path, Total: size, Bytes: true}
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, &reading{ctx, r, at, report}, make([]byte, 1<<20)); err != nil {
		return err
	}
	o.sha, o.git = hex.EncodeToString(sha.Sum(nil)), hex.EncodeToString(git.Sum(nil))
	return nil
}

// content is a file to be sent, readable at offsets.
type content interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

func (u Upload) open() (content, int64, error) {
	if u.File == "" {
		return inMemory{bytes.NewReader(u.Data)}, int64(len(u.Data)), nil
	}
	f, err := os.Open(u.File)
	if err != nil {
		return nil, 0, fault.Op("hub").Invalid("%w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fault.Op("hub").Invalid("%s is not a regular file", u.File)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// reading ends reads with a context and reports how far they are.
type reading struct {
	ctx    context.Context
	r      io.Reader
	at     progress.Report
	report progress.Func
}

func (r *reading) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.r.Read(p)
	r.at.Done += int64(n)
	r.report.Report(r.at)
	return n, err
}

// preupload asks how each file is to be stored.
func (c *Client) preupload(ctx context.Context, n Name, objects []*object) error {
	const most = 256 // files of one call
	type ask struct {
		Path   string `json:"path"`
		Sample string `json:"sample"`
		Size   int64  `json:"size"`
	}
	for some := range slices.Chunk(objects, most) {
		var asks []ask
		byPath := map[string]*object{}
		for _, o := range some {
			sample, err := o.sample()
			if err != nil {
				return err
			}
			asks = append(asks, ask{o.Path, base64.StdEncoding.EncodeToString(sample), o.size})
			byPath[o.Path] = o
		}
		data, resp, err := c.post(ctx, []string{"api", "models", n.Owner, n.Model, "preupload", n.revision()}, map[string]any{"files": asks}, n.place())
		if err != nil {
			return err
		}
		if resp.StatusCode >= 300 {
			return c.refused(resp, n.place())
		}
		var answer struct {
			Files []struct {
				Path   string `json:"path"`
				Mode   string `json:"uploadMode"`
				Ignore bool   `json:"shouldIgnore"`
				OID    string `json:"oid"`
			} `json:"files"`
		}
		if err := unmarshal(data, &answer, n.place()); err != nil {
			return err
		}
		for _, f := range answer.Files {
			if o := byPath[f.Path]; o != nil {
				o.lfs, o.skip, o.there = f.Mode == "lfs" && o.size > 0, f.Ignore, f.OID
			}
		}
	}
	return nil
}

// sample reads the first bytes of a file, and its size.
func (o *object) sample() ([]byte, error) {
	r, size, err := o.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	o.size = size
	sample := make([]byte, min(512, size))
	if _, err := io.ReadFull(r, sample); err != nil {
		return nil, fault.Op("hub").File(o.Path).IO("%w", err)
	}
	return sample, nil
}

// commit writes the commit itself: small files with their content, large ones
// by their hash.
func (c *Client) commit(ctx context.Context, n Name, commit Commit, objects []*object, pushed *Pushed) error {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	write := func(key string, value any) error {
		return lines.Encode(map[string]any{"key": key, "value": value})
	}
	if err := write("header", map[string]string{"summary": first(commit.Message, "Upload with mq"), "description": commit.Description}); err != nil {
		return err
	}
	for _, o := range objects {
		if o.lfs {
			if err := write("lfsFile", map[string]any{"path": o.Path, "algo": "sha256", "oid": o.sha, "size": o.size}); err != nil {
				return err
			}
			continue
		}
		data := o.Data
		if o.File != "" {
			var err error
			if data, err = os.ReadFile(o.File); err != nil {
				return fault.Op("hub").IO("%w", err)
			}
		}
		if err := write("file", map[string]string{"path": o.Path, "content": base64.StdEncoding.EncodeToString(data), "encoding": "base64"}); err != nil {
			return err
		}
	}
	u := c.address("api", "models", n.Owner, n.Model, "commit", n.revision())
	if commit.PullRequest {
		u.RawQuery = "create_pr=1"
	}
	header := http.Header{"Content-Type": {"application/x-ndjson"}}
	data, resp, err := c.call(ctx, http.MethodPost, u, header, func() io.Reader { return bytes.NewReader(body.Bytes()) }, maxInfo, n.place())
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return c.refused(resp, n.place())
	}
	return unmarshal(data, pushed, n.place())
}
