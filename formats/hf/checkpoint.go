package hf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/ahead"
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/ctxio"
)

// Checkpoint is an open folder with weights. Its methods may be called
// concurrently.
type Checkpoint struct {
	*Folder
	config  Config
	layout  Layout
	tensors []Tensor
	byName  map[string]Tensor
	shards  []*shard
	notes   []string
	mlx     string // how MLX's layout shows
}

// Tensor is one tensor of a checkpoint.
type Tensor struct {
	Name  string
	DType dtype.DType
	Shape []int64 // slowest dimension first
	File  string  // the weight file that holds it
	Size  int64   // in bytes

	shard   *shard
	offset  int64
	shifted *shifted // shows other values than are stored; nil for most
	joined  *joined  // consists of the parts in several files; nil for most

	// computed, where it is not nil, gives the values instead of a shard.
	computed func(ctx context.Context, p []byte, first int64) error
}

// ReaderAt is an [io.ReaderAt] whose reads can be cancelled, such as a file
// that is fetched over a network.
type ReaderAt = ctxio.ReaderAt

// Adviser is a weight file that fetches ahead, if it is told of tensors before
// they are read.
type Adviser interface{ WillRead(off, n int64) }

// Fetcher is a file system that fetches ahead, if it is told in which order
// stretches will be read. Each call replaces what was said before.
type Fetcher interface{ ReadAhead(next []ahead.Stretch) }

// FileInfo describes a weight file as it was when it was opened.
type FileInfo struct {
	Name    string
	Size    int64
	ModTime int64 // nanoseconds since 1970
	Tensors int
	Hash    string // of the content, where the file system knows it
}

// Open opens a checkpoint folder and reads the headers of its weight files.
func Open(ctx context.Context, dir string) (*Checkpoint, error) { return Options{}.Open(ctx, dir) }

// Open opens a checkpoint folder and reads the headers of its weight files.
func (o Options) Open(ctx context.Context, dir string) (*Checkpoint, error) {
	folder, err := o.Folder(ctx, dir)
	if err != nil {
		return nil, err
	}
	return folder.Checkpoint(ctx)
}

// OpenFS opens a checkpoint held by any file system; name stands for the
// folder's name. Its weight files must implement io.ReaderAt; those that
// implement [ReaderAt], and a [FileReader], are read under the context of each
// call.
func OpenFS(ctx context.Context, fsys fs.FS, name string) (*Checkpoint, error) {
	return (&Folder{fsys: fsys, name: name, reads: &reads{}}).Checkpoint(ctx)
}

// Checkpoint opens the weights of the folder and reads their headers.
func (f *Folder) Checkpoint(ctx context.Context) (*Checkpoint, error) {
	plain, f := f, f.WithContext(ctx)
	weights, err := findWeights(f)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Folder: f, layout: weights.layout, byName: map[string]Tensor{}, notes: weights.notes}
	if c.config, err = f.ReadJSON(weights.layout.configFile()); missing(err) {
		return nil, fault.Op("hf").Folder(f.name).File(weights.layout.configFile()).Corrupt(" is missing; it says what the tensors mean")
	} else if err != nil {
		return nil, err
	}
	if err := c.load(ctx, weights); err != nil {
		c.Close()
		return nil, err
	}
	c.Folder = plain
	return c, nil
}

func (c *Checkpoint) load(ctx context.Context, w weights) error {
	if err := c.read(ctx, w); err != nil {
		return err
	}
	return c.rename()
}

// read opens the weight files and reads their headers.
func (c *Checkpoint) read(ctx context.Context, w weights) error {
	for _, name := range w.files {
		s, err := openShard(ctx, c.Folder, name, w.layout)
		if err != nil {
			return err
		}
		c.shards = append(c.shards, s)
		for _, t := range s.tensors {
			if other, twice := c.byName[t.Name]; twice && w.layout != MetaNative {
				return fault.Op("hf").Folder(c.name).Tensor(t.Name).Corrupt(" is in two files: %s and %s", other.File, t.File)
			}
			c.byName[t.Name] = t
			c.tensors = append(c.tensors, t)
		}
	}
	if w.layout == MetaNative {
		if err := c.joinMeta(); err != nil {
			return err
		}
	}
	if w.index != nil {
		if err := w.index.check(c.name, c.byName); err != nil {
			return err
		}
	}
	return c.readModules(ctx)
}

// rename gives tensors the names, and where needed the shapes, under which
// transformers has them.
func (c *Checkpoint) rename() error {
	c.unwrap()
	c.fromMLX()
	c.tie()
	clear(c.byName)
	order := map[string]int{}
	for _, t := range c.tensors {
		if _, twice := c.byName[t.Name]; twice {
			return fault.Op("hf").Folder(c.name).Tensor(t.Name).Corrupt("two tensors have this name")
		}
		c.byName[t.Name] = t
		if _, ok := order[t.File]; !ok {
			order[t.File] = len(order)
		}
	}
	if c.layout != PyTorch && c.layout != MetaNative {
		slices.SortStableFunc(c.tensors, func(a, b Tensor) int {
			return cmp.Or(cmp.Compare(order[a.File], order[b.File]), strings.Compare(a.Name, b.Name))
		})
	}
	return nil
}

// Notes says in sentences what is peculiar about the folder and how it was
// dealt with: files that are not used, names that were changed.
func (c *Checkpoint) Notes() []string { return slices.Clone(c.notes) }

// WithContext returns the same checkpoint with the reads of its small files
// under ctx. Reads of tensors have a context of their own. One of the two is
// to be closed.
func (c *Checkpoint) WithContext(ctx context.Context) *Checkpoint {
	bound := *c
	bound.Folder = c.Folder.WithContext(ctx)
	return &bound
}

// Config is config.json, or params.json in Mistral's own layout.
func (c *Checkpoint) Config() Config { return c.config }

// Layout says how the weights are stored.
func (c *Checkpoint) Layout() Layout { return c.layout }

// Tensors lists all tensors: files in the order of their names, and within a
// file by name (pickled files: in the order of the file). The slice is shared.
func (c *Checkpoint) Tensors() []Tensor { return c.tensors }

// Lookup finds a tensor by its name.
func (c *Checkpoint) Lookup(name string) (Tensor, bool) {
	t, ok := c.byName[name]
	return t, ok
}

// Files lists the weight files, sorted by name.
func (c *Checkpoint) Files() []FileInfo {
	files := make([]FileInfo, len(c.shards))
	for i, s := range c.shards {
		files[i] = FileInfo{s.name, s.info.Size(), s.info.ModTime().UnixNano(), len(s.tensors), ""}
		if content, ok := s.info.Sys().(fmt.Stringer); ok {
			files[i].Hash = content.String()
		}
	}
	return files
}

// Unchanged reports an error where a weight file was replaced, resized or
// written to since it was opened. What was read from it before may then belong
// to another model than what is read after.
func (c *Checkpoint) Unchanged() error {
	for _, s := range c.shards {
		now, err := c.stat(s.name)
		if err != nil {
			return fault.Op("hf").Folder(c.name).File(s.name).Corrupt(" was there at the start and cannot be found now: %w", err)
		}
		replaced := c.root != "" && !os.SameFile(now, s.info)
		if replaced || now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime()) {
			return fault.Op("hf").Folder(c.name).File(s.name).Corrupt(" was changed while it was read (size or time differ)")
		}
	}
	return nil
}

// ReadAhead says in which order tensors will be read, each from its start to
// its end. It is a hint for file systems that fetch, and replaces the last.
func (c *Checkpoint) ReadAhead(next []Tensor) {
	f, ok := c.Fetcher()
	if !ok {
		return
	}
	var list []ahead.Stretch
	for _, t := range next {
		list = append(list, t.Lies(0, t.Size)...)
	}
	f.ReadAhead(list)
}

// Fetcher is the checkpoint's file system, where it fetches ahead.
func (c *Checkpoint) Fetcher() (f Fetcher, ok bool) {
	f, ok = c.fsys.(Fetcher)
	return f, ok
}

// Lies returns where size bytes of the tensor from off on lie; nothing where
// they are computed, or joined from several files.
func (t Tensor) Lies(off, size int64) []ahead.Stretch {
	if t.shard == nil || t.joined != nil || t.computed != nil {
		return nil
	}
	return []ahead.Stretch{{File: t.File, Offset: t.offset + off, Size: size}}
}

// ReleaseBehind asks the system to forget weights once they have been read, so
// that a checkpoint larger than the memory pushes no other files out of it.
// Call it before reading; it is a hint that some systems ignore.
func (c *Checkpoint) ReleaseBehind() {
	for _, s := range c.shards {
		s.behind, _ = s.r.(*os.File)
	}
}

// Close closes the weight files.
func (c *Checkpoint) Close() error {
	errs := make([]error, 0, len(c.shards))
	for _, s := range c.shards {
		errs = append(errs, s.close())
	}
	c.shards = nil
	return errors.Join(errs...)
}

// ReadAt reads bytes of the tensor, little endian and row by row, from an
// offset in its data; like every io.ReaderAt it returns io.EOF at the end.
// It ends with ctx, returning its cause.
func (t Tensor) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fault.Op("hf").File(t.File).Tensor(t.Name).Invalid("negative offset")
	}
	if off >= t.Size {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	if t.shifted != nil {
		return t.shifted.readAt(ctx, p, off)
	}
	want := p[:min(int64(len(p)), t.Size-off)]
	if t.computed != nil {
		return t.readComputed(ctx, want, off, len(p))
	}
	if t.joined != nil {
		n, err := t.joined.readAt(ctx, want, off)
		if err == nil && n < len(p) {
			err = io.EOF
		}
		return n, err
	}
	if a, ok := t.shard.r.(Adviser); ok {
		a.WillRead(t.offset, t.Size)
	}
	n, err := ctxio.ReadAt(ctx, t.shard.r, want, t.offset+off)
	t.shard.release(t.offset+off, int64(n))
	switch {
	case n == len(want) && n == len(p):
		return n, nil
	case n == len(want):
		return n, io.EOF
	case ctx.Err() != nil:
		return n, context.Cause(ctx)
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return n, fault.Op("hf").File(t.File).Tensor(t.Name).Corrupt("the file was shortened while it was read")
	}
	return n, fault.Op("hf").File(t.File).Tensor(t.Name).IO("%w", err)
}

// Section is the byte range of the tensor in its weight file. The name is that
// of Files; the file itself may be a link.
func (t Tensor) Section() (file string, offset, size int64) {
	if t.shifted != nil {
		t = t.shifted.stored
	}
	return t.File, t.offset, t.Size
}

func sortByName(tensors []Tensor) {
	slices.SortFunc(tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
}
