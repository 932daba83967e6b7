package hf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/lfs"
)

// maxSmallFile bounds what ReadFile returns; the largest tokenizer.json
// published is a tenth of it.
const maxSmallFile = 256 << 20

// Folder gives the files of a checkpoint folder, whether or not it has weights.
type Folder struct {
	fsys fs.FS
	name string
	root string // real path of an OS folder, empty for other file systems
	dir  string // the path as it was given, empty likewise

	followLinks bool
	reading     Reading

	ctx context.Context // of WithContext; nil for none

	reads *reads
}

// FileReader is a file system that reads whole files under a context, such as
// one over a network.
type FileReader interface {
	fs.FS
	ReadFileContext(ctx context.Context, name string) ([]byte, error)
}

// WithContext returns the same folder with the reads of its small files under
// ctx: they end with it, returning its cause.
func (f *Folder) WithContext(ctx context.Context) *Folder {
	bound := *f
	bound.ctx = ctx
	return &bound
}

// Options say how a folder of the operating system is opened. The zero value
// suits folders of unknown origin.
type Options struct {
	FollowLinks bool    // read files behind links that lead out of the folder
	Remote      Remote  // of paths that do not exist; nil: they are errors
	As          Reading // of its config.json
}

// ErrLink marks the error of a link that leads out of the folder and is not to
// be followed.
var ErrLink = errors.New("a link out of the folder")

// OpenFolder opens a folder of the operating system.
func OpenFolder(dir string) (*Folder, error) { return Options{}.OpenFolder(dir) }

// OpenFolder opens a folder of the operating system.
func (o Options) OpenFolder(dir string) (*Folder, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	name := nameOf(root)
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fault.Op("hf").File(name).Invalid("not a folder")
	}
	return &Folder{fsys: os.DirFS(root), name: name, root: root, dir: dir, followLinks: o.FollowLinks, reading: o.As, reads: &reads{}}, nil
}

// nameOf is the base name of a folder, or that of the repository where it is a
// snapshot in the cache of Hugging Face, whose own name is that of a commit.
func nameOf(root string) string {
	snapshots := filepath.Dir(root)
	repository := strings.Split(filepath.Base(filepath.Dir(snapshots)), "--")
	if filepath.Base(snapshots) == "snapshots" && len(repository) > 1 && repository[0] == "models" {
		return repository[len(repository)-1]
	}
	return filepath.Base(root)
}

// Held is what the folder's file system holds in memory at most, in bytes: 0
// unless it fetches its files.
func (f *Folder) Held() int64 {
	if h, ok := f.fsys.(interface{ Held() int64 }); ok {
		return h.Held()
	}
	return 0
}

// KeepRead lets the folder's file system hold so many bytes more of what will
// be read again. It does nothing unless that fetches its files.
func (f *Folder) KeepRead(n int64) {
	if h, ok := f.fsys.(interface{ KeepRead(n int64) }); ok {
		h.KeepRead(n)
	}
}

// Name is the folder's base name, or that of the repository that it is of;
// errors and file names of results use it.
func (f *Folder) Name() string { return f.name }

// Dir is the path that the folder was opened by; empty where it is not a
// folder of the operating system.
func (f *Folder) Dir() string { return f.dir }

// list returns the names of the folder's files and links, sorted.
func (f *Folder) list() ([]string, error) { return f.List(".") }

// List returns the names of the files and links in a folder inside this one,
// sorted; dir is slash-separated, "." for the folder itself. The error is
// fs.ErrNotExist where there is none.
func (f *Folder) List(dir string) ([]string, error) {
	if dir != "." {
		if _, err := f.resolve(dir); err != nil {
			return nil, err
		}
	}
	entries, err := fs.ReadDir(f.fsys, dir)
	if dir != "." && missing(err) {
		return nil, err
	}
	if err != nil {
		return nil, fault.Op("hf").Folder(f.name).IO("%w", err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Exists reports whether the folder has a file of that name.
func (f *Folder) Exists(name string) bool {
	_, err := f.stat(name)
	return err == nil
}

// stat follows links as far as they are allowed and demands a regular file: a
// pipe would block whoever opens it.
func (f *Folder) stat(name string) (fs.FileInfo, error) {
	path, err := f.resolve(name)
	if err != nil {
		return nil, err
	}
	var info fs.FileInfo
	if f.root != "" {
		info, err = os.Stat(path)
	} else {
		info, err = fs.Stat(f.fsys, path)
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Op("hf").Folder(f.name).File(name).Corrupt(" is not a regular file")
	}
	return info, nil
}

func (f *Folder) open(name string) (fs.File, error) {
	if _, err := f.stat(name); err != nil {
		return nil, err
	}
	path, err := f.resolve(name)
	if err != nil {
		return nil, err
	}
	if f.root != "" {
		return os.Open(path)
	}
	return f.fsys.Open(path)
}

// resolve checks that a name stays in the folder and returns the path to open.
func (f *Folder) resolve(name string) (string, error) {
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\:\x00") {
		return "", fault.Op("hf").Folder(f.name).Corrupt("%q does not name a file inside the folder", name)
	}
	if f.root == "" {
		return name, nil
	}
	path, err := filepath.EvalSymlinks(filepath.Join(f.root, filepath.FromSlash(name)))
	if err != nil {
		return "", err
	}
	if f.followLinks || inside(f.root, path) {
		return path, nil
	}
	if blobs := cacheBlobs(f.root); blobs != "" && inside(blobs, path) || isBlob(path) {
		return path, nil
	}
	return "", fault.Op("hf").Folder(f.name).File(name).Corrupt(" is %w, to %s; copy the file into the folder", ErrLink, path)
}

func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// cacheBlobs returns the folder that the links of a Hugging Face cache point
// to: for …/models--OWNER--NAME/snapshots/REVISION[/…] it is
// …/models--OWNER--NAME/blobs.
func cacheBlobs(root string) string {
	for dir := root; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if snapshots := filepath.Dir(dir); filepath.Base(snapshots) == "snapshots" {
			return filepath.Join(filepath.Dir(snapshots), "blobs")
		}
	}
	return ""
}

// isBlob reports whether a path is a file of some Hugging Face cache, to which
// the folders that older versions of its client made have links.
func isBlob(path string) bool {
	blobs := filepath.Dir(path)
	return filepath.Base(blobs) == "blobs" && strings.HasPrefix(filepath.Base(filepath.Dir(blobs)), "models--")
}

// ReadFile returns a whole file by its slash-separated path inside the folder.
// The error is fs.ErrNotExist where there is none.
func (f *Folder) ReadFile(name string) ([]byte, error) {
	return f.readBounded(name, maxSmallFile)
}

func (f *Folder) readBounded(name string, limit int64) ([]byte, error) {
	data, err := f.readWhole(name, limit)
	switch at := fault.Op("hf").Folder(f.name).File(name); {
	case f.ended() != nil:
		return nil, f.ended()
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, at.Corrupt(" is longer than %d bytes", limit)
	default:
		if err := lfs.Check(data); err != nil {
			return nil, at.Corrupt("%w", err)
		}
		f.record(name, data)
		return data, nil
	}
}

// ended is the cause with which the folder's context has ended.
func (f *Folder) ended() error {
	if f.ctx == nil {
		return nil
	}
	return context.Cause(f.ctx)
}

// readWhole returns a file, of a longer one at least a byte beyond the limit.
func (f *Folder) readWhole(name string, limit int64) ([]byte, error) {
	if r, ok := f.fsys.(FileReader); ok && f.ctx != nil {
		info, err := f.stat(name)
		if err != nil {
			return nil, err
		}
		if info.Size() <= limit {
			return r.ReadFileContext(f.ctx, name)
		}
	}
	file, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var room int64 = 512
	if info, err := file.Stat(); err == nil {
		room = min(info.Size(), limit) + 1 // so that the end is seen without another allocation
	}
	buffer := bytes.NewBuffer(make([]byte, 0, room+bytes.MinRead))
	if _, err = buffer.ReadFrom(io.LimitReader(file, limit+1)); err != nil {
		return nil, fault.Op("hf").Folder(f.name).File(name).IO("%w", err)
	}
	return buffer.Bytes(), nil
}

// missing reports whether err means that a file is not there, a dangling link
// included.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
