package hub

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// file is an open file of a repository. Opening makes no request.
type file struct {
	repo *Repo
	e    *entry
	rest *bytes.Reader // of a file that is read from its start

	mu      sync.Mutex
	courses []*course // the last that were begun, the newest first
	whole   course    // of what belongs to none of them
}

var (
	_ fs.ReadDirFS = (*Repo)(nil)
	_ fs.StatFS    = (*Repo)(nil)
)

// Open opens a file, or a folder of the repository.
func (r *Repo) Open(name string) (fs.File, error) {
	info, err := r.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &folder{r: r, info: info, name: name}, nil
	}
	return &file{repo: r, e: r.files[name]}, nil
}

// Stat describes a file or folder.
func (r *Repo) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	if e, ok := r.files[name]; ok {
		return stat{name: name[strings.LastIndex(name, "/")+1:], size: e.size, hash: first(e.sha, e.oid)}, nil
	}
	prefix := name + "/"
	if i, _ := slices.BinarySearch(r.names, prefix); name == "." || i < len(r.names) && strings.HasPrefix(r.names[i], prefix) {
		return stat{name: name[strings.LastIndex(name, "/")+1:], dir: true}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir lists a folder of the repository.
func (r *Repo) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := r.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	var entries []fs.DirEntry
	for _, path := range r.names {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		e := r.files[path]
		s := stat{name: rest, size: e.size, hash: first(e.sha, e.oid)}
		if below, _, deeper := strings.Cut(rest, "/"); deeper {
			s = stat{name: below, dir: true}
		}
		if n := len(entries); n == 0 || entries[n-1].Name() != s.name {
			entries = append(entries, fs.FileInfoToDirEntry(s))
		}
	}
	return entries, nil
}

func (f *file) Stat() (fs.FileInfo, error) { return f.repo.Stat(f.e.path) }

// Close does nothing: what is read ahead belongs to the repository.
func (f *file) Close() error { return nil }

// Read reads the file from its start, in one request for all of it.
func (f *file) Read(p []byte) (int, error) {
	if f.rest == nil {
		data, err := f.repo.ReadFileContext(f.repo.ctx, f.e.path)
		if err != nil {
			return 0, err
		}
		f.rest = bytes.NewReader(data)
	}
	return f.rest.Read(p)
}

// ReadAt reads at an offset.
func (f *file) ReadAt(p []byte, off int64) (int, error) { return f.ReadAtContext(f.repo.ctx, p, off) }

// ReadAtContext reads at an offset under a context.
func (f *file) ReadAtContext(ctx context.Context, p []byte, off int64) (int, error) {
	if off < 0 || f.e.size < 0 {
		return 0, f.repo.Name.place().File(f.e.path).Corrupt("the Hub lists no size for it")
	}
	want := min(int64(len(p)), f.e.size-off)
	if want <= 0 {
		return 0, io.EOF
	}
	head := f.e.kept()
	var err error
	if head == nil && off < headSize {
		if head, err = f.repo.headOf(ctx, f.e); err != nil {
			return 0, err
		}
	}
	if off+want <= int64(len(head)) {
		copy(p, head[off:off+want])
	} else {
		want, err = f.readBlocks(ctx, p[:want], off)
	}
	if err == nil && want < int64(len(p)) {
		err = io.EOF
	}
	return int(want), err
}

// ReadFileContext returns a whole file and holds it to its hash.
func (r *Repo) ReadFileContext(ctx context.Context, name string) ([]byte, error) {
	e, ok := r.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if e.size < 0 || e.size > maxWhole {
		return nil, r.Name.place().File(name).Corrupt("%d bytes are more than is read of it", e.size)
	}
	if path.Ext(name) == ".json" {
		r.reading.Do(r.beside)
	}
	head := e.kept()
	if head == nil && e.size > 0 && e.size <= headSize {
		var err error
		if head, err = r.fetchHead(ctx, e, headSize); err != nil {
			return nil, err
		}
	}
	if head != nil && int64(len(head)) == e.size {
		return slices.Clone(head), nil
	}
	data := make([]byte, e.size)
	var err error
	switch {
	case e.size > blockSize && e.size <= r.client.o.Budget/2: // a vocabulary is read more than once
		_, err = (&file{repo: r, e: e}).readBlocks(ctx, data, 0)
	case e.size > 0:
		err = r.fill(ctx, e, data, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := r.verify(e, bytes.NewReader(data)); err != nil {
		r.memory.forget(e)
		return nil, err
	}
	if e.size <= smallFile { // a configuration is read again and again
		e.keep(slices.Clone(data))
	}
	return data, nil
}

// smallFile is the size up to which a file that was read whole is kept.
const smallFile = 256 << 10

// maxWhole bounds files that are read whole.
const maxWhole = 512 << 20

// Content is the hash of a file's content, which the Sys method of its
// [fs.FileInfo] returns.
type Content string

// String returns the hash in hexadecimal digits.
func (c Content) String() string { return string(c) }

// stat is the description of a file or folder. Files of a commit never change,
// so their time is always the same.
type stat struct {
	name string
	size int64
	hash string
	dir  bool
}

func (s stat) Name() string       { return s.name }
func (s stat) Size() int64        { return max(s.size, 0) }
func (s stat) ModTime() time.Time { return time.Unix(0, 0) }
func (s stat) IsDir() bool        { return s.dir }
func (s stat) Sys() any           { return Content(s.hash) }
func (s stat) Mode() fs.FileMode {
	if s.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// folder is an open folder.
type folder struct {
	r    *Repo
	info fs.FileInfo
	name string
	rest []fs.DirEntry
	read bool
}

func (d *folder) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *folder) Close() error               { return nil }
func (d *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a folder")}
}

// ReadDir lists the folder as [fs.ReadDirFile] demands.
func (d *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		all, err := d.r.ReadDir(d.name)
		if err != nil {
			return nil, err
		}
		d.rest, d.read = all, true
	}
	some := d.rest
	if n > 0 {
		if len(some) == 0 {
			return nil, io.EOF
		}
		some = some[:min(n, len(some))]
	}
	d.rest = d.rest[len(some):]
	return some, nil
}
