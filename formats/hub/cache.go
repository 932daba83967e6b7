package hub

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/filelock"
)

// cacheFolder is the folder of a repository in the Hub's cache, which has
//
//	blobs/ETAG                   the content of a file
//	snapshots/COMMIT/PATH        a link to it
//	refs/REVISION                the commit of a branch or tag
func (c *Client) cacheFolder(n Name) string {
	return filepath.Join(c.o.Cache, "models--"+n.Owner+"--"+n.Model)
}

// Cached returns the folder of the cache that holds a repository at its
// revision, as it was when it was last looked up. Whether files are missing
// from it, it does not know. It makes no request.
func (c *Client) Cached(n Name) (dir, commit string, ok bool) {
	if c.o.Cache == "" {
		return "", "", false
	}
	root := c.cacheFolder(n)
	if commit = n.revision(); !commitID.MatchString(commit) {
		data, err := readSmall(filepath.Join(root, "refs", filepath.FromSlash(n.revision())))
		if err != nil {
			return "", "", false
		}
		if commit = strings.TrimSpace(string(data)); !commitID.MatchString(commit) {
			return "", "", false
		}
	}
	dir = filepath.Join(root, "snapshots", commit)
	info, err := os.Stat(dir)
	return dir, commit, err == nil && info.IsDir()
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<10))
}

// Snapshot returns the folder of the cache that holds all the files of the
// repository that wanted accepts, each of the listed size.
func (r *Repo) Snapshot(wanted func(path string) bool) (dir string, ok bool) {
	if r.client.o.Cache == "" {
		return "", false
	}
	dir = filepath.Join(r.client.cacheFolder(r.Name), "snapshots", r.Commit)
	for _, name := range r.names {
		if !wanted(name) {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || !info.Mode().IsRegular() || info.Size() != r.files[name].size {
			return "", false
		}
	}
	return dir, true
}

// Keep downloads the files of the repository that wanted accepts into the
// cache and returns their folder. Files that are there already are not fetched
// again; each new one is held to its hash before it gets its name.
func (r *Repo) Keep(ctx context.Context, wanted func(path string) bool) (dir string, err error) {
	if r.client.o.Cache == "" {
		return "", r.Name.place().Invalid("there is no folder for the cache: set HF_HOME")
	}
	root := r.client.cacheFolder(r.Name)
	dir = filepath.Join(root, "snapshots", r.Commit)
	for _, d := range []string{dir, filepath.Join(root, "blobs"), filepath.Join(root, "refs")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return "", fault.Op("hub").IO("%w", err)
		}
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(mostDownloads)
	for _, name := range r.names {
		if wanted(name) {
			g.Go(func() error { return r.keep(inner, root, dir, r.files[name]) })
		}
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if rev := r.Name.revision(); !commitID.MatchString(rev) {
		path := filepath.Join(root, "refs", filepath.FromSlash(rev))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", fault.Op("hub").IO("%w", err)
		}
		if err := writeWhole(path, r.Commit); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// keep puts one file into the cache.
func (r *Repo) keep(ctx context.Context, root, dir string, e *entry) error {
	tag := first(e.sha, e.oid)
	if tag == "" {
		return r.Name.place().File(e.path).Corrupt("the Hub lists no hash for it, under which it would be kept")
	}
	blob := filepath.Join(root, "blobs", tag)
	if info, err := os.Stat(blob); err != nil || info.Size() != e.size {
		if err := r.download(ctx, blob, e); err != nil {
			return err
		}
	}
	link := filepath.Join(dir, filepath.FromSlash(e.path))
	if _, err := os.Stat(link); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return fault.Op("hub").IO("%w", err)
	}
	target, err := filepath.Rel(filepath.Dir(link), blob)
	if err != nil {
		return err
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) { // a link that leads nowhere
		return fault.Op("hub").IO("%w", err)
	}
	if err := os.Symlink(target, link); err != nil {
		if err := os.Link(blob, link); err != nil { // a file system without links of that kind
			return fault.Op("hub").IO("%w", err)
		}
	}
	return nil
}

// download writes a file under a temporary name, goes on with what an earlier
// run of mq left there, and names it when its hash is right.
func (r *Repo) download(ctx context.Context, blob string, e *entry) error {
	path := blob + ".mq.incomplete"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o644)
	if err != nil {
		return fault.Op("hub").IO("%w", err)
	}
	defer f.Close()
	if err := filelock.Try(f); err != nil {
		return fault.Op("hub").IO("%s is being written by another process", path)
	}
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fault.Op("hub").IO("%w", err)
	}
	if have > e.size {
		have = 0
	}
	if err := f.Truncate(have); err != nil {
		return fault.Op("hub").IO("%w", err)
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return fault.Op("hub").IO("%w", err)
	}
	var failed error // of the disk, which no other connection mends
	err = r.stream(ctx, e, have, e.size-have, func(body io.Reader) (int64, error) {
		n, err := io.Copy(onlyWriter{f, &failed}, body)
		if failed != nil {
			err = fault.Invalid("%w", failed)
		}
		return n, err
	})
	if failed != nil {
		return fault.Op("hub").File(path).IO("%w", failed)
	}
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fault.Op("hub").IO("%w", err)
	}
	if err := r.verify(e, f); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if err := f.Sync(); err != nil {
		return fault.Op("hub").File(path).IO("%w", err)
	}
	if err := os.Rename(path, blob); err != nil {
		return fault.Op("hub").IO("%w", err)
	}
	return nil
}

// onlyWriter notes an error of writing, to tell it from one of reading.
type onlyWriter struct {
	f      *os.File
	failed *error
}

func (w onlyWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		*w.failed = err
	}
	return n, err
}

// writeWhole replaces a small file at once.
func writeWhole(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".ref-*")
	if err != nil {
		return fault.Op("hub").IO("%w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return fault.Op("hub").IO("%w", errors.Join(err, os.Remove(f.Name())))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fault.Op("hub").IO("%w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// CheckToken asks the Hub whose token the client has.
func (c *Client) CheckToken(ctx context.Context) (user string, err error) {
	data, resp, err := c.call(ctx, http.MethodGet, c.address("api", "whoami-v2"), nil, nil, 1<<20, fault.Op("hub").File("the token"))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", c.refused(resp, fault.Op("hub").File("the token"))
	}
	var who struct {
		Name string `json:"name"`
	}
	if err := unmarshal(data, &who, fault.Op("hub").File("the token")); err != nil {
		return "", err
	}
	return who.Name, nil
}
