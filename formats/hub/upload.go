package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/f190792d/mq/formats/fault"
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
}

// Pushed says what came of a commit.
type Pushed struct {
	Commit      string `json:"commitOid"`
	URL         string `json:"commitUrl"`
	PullRequest string `json:"pullRequestUrl"`
	Sent        int    `json:"-"` // large files whose content was uploaded; the others were there
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
	size int64
	sha  string
	lfs  bool
	skip bool // excluded by the repository's own rules
}

// Push uploads files and commits them in one commit. Large files that the Hub
// has already are not sent again, so that a push that was stopped goes on
// where it was.
func (c *Client) Push(ctx context.Context, n Name, commit Commit) (*Pushed, error) {
	if c.o.Token == "" {
		return nil, n.place().Invalid("writing needs a token: set HF_TOKEN")
	}
	objects, err := describe(ctx, commit.Files)
	if err != nil {
		return nil, err
	}
	if err := c.preupload(ctx, n, objects); err != nil {
		return nil, err
	}
	sent, err := c.uploadLarge(ctx, n, objects)
	if err != nil {
		return nil, err
	}
	pushed, err := c.commit(ctx, n, commit, objects)
	if err != nil {
		return nil, err
	}
	pushed.Sent = sent
	return pushed, nil
}

// describe reads sizes and hashes.
func describe(ctx context.Context, files []Upload) ([]*object, error) {
	var objects []*object
	for _, u := range files {
		r, size, err := u.open()
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		_, err = io.Copy(h, readerUnder(ctx, r))
		if err := errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
		objects = append(objects, &object{Upload: u, size: size, sha: hex.EncodeToString(h.Sum(nil))})
	}
	return objects, nil
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

// readerUnder ends reads with a context.
func readerUnder(ctx context.Context, r io.Reader) io.Reader { return ctxReader{ctx, r} }

type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// preupload asks how each file is to be stored.
func (c *Client) preupload(ctx context.Context, n Name, objects []*object) error {
	const most = 256 // files of one call
	type ask struct {
		Path   string `json:"path"`
		Sample string `json:"sample"`
		Size   int64  `json:"size"`
	}
	for len(objects) > 0 {
		some := objects[:min(most, len(objects))]
		objects = objects[len(some):]
		var asks []ask
		byPath := map[string]*object{}
		for _, o := range some {
			r, _, err := o.open()
			if err != nil {
				return err
			}
			sample := make([]byte, min(512, o.size))
			_, err = io.ReadFull(r, sample)
			if err := errors.Join(err, r.Close()); err != nil {
				return fault.Op("hub").File(o.Path).IO("%w", err)
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
			} `json:"files"`
		}
		if err := unmarshal(data, &answer, n.place()); err != nil {
			return err
		}
		for _, f := range answer.Files {
			if o := byPath[f.Path]; o != nil {
				o.lfs, o.skip = f.Mode == "lfs" && o.size > 0, f.Ignore
			}
		}
	}
	return nil
}

// commit writes the commit itself: small files with their content, large ones
// by their hash.
func (c *Client) commit(ctx context.Context, n Name, commit Commit, objects []*object) (*Pushed, error) {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	write := func(key string, value any) error {
		return lines.Encode(map[string]any{"key": key, "value": value})
	}
	if err := write("header", map[string]string{"summary": first(commit.Message, "Upload with mq"), "description": commit.Description}); err != nil {
		return nil, err
	}
	for _, o := range objects {
		var err error
		switch {
		case o.skip:
		case o.lfs:
			err = write("lfsFile", map[string]any{"path": o.Path, "algo": "sha256", "oid": o.sha, "size": o.size})
		default:
			data := o.Data
			if o.File != "" {
				if data, err = os.ReadFile(o.File); err != nil {
					return nil, fault.Op("hub").IO("%w", err)
				}
			}
			err = write("file", map[string]string{"path": o.Path, "content": base64.StdEncoding.EncodeToString(data), "encoding": "base64"})
		}
		if err != nil {
			return nil, err
		}
	}
	u := c.address("api", "models", n.Owner, n.Model, "commit", n.revision())
	if commit.PullRequest {
		u.RawQuery = "create_pr=1"
	}
	header := http.Header{"Content-Type": {"application/x-ndjson"}}
	data, resp, err := c.call(ctx, http.MethodPost, u, header, func() io.Reader { return bytes.NewReader(body.Bytes()) }, maxInfo, n.place())
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, c.refused(resp, n.place())
	}
	var pushed Pushed
	return &pushed, unmarshal(data, &pushed, n.place())
}
