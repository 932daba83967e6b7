package hf

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/ctxio"
	"github.com/f190792d/mq/formats/internal/mmap"
	"github.com/f190792d/mq/formats/pickle"
	"github.com/f190792d/mq/formats/safetensors"
)

// shard is one open weight file.
type shard struct {
	name    string
	info    fs.FileInfo
	r       io.ReaderAt
	close   func() error
	tensors []Tensor
	format  string // the framework that the header names, "" for none

	behind *os.File // whose page cache is released after reading; nil for none
}

// releaseAtLeast is the length of reads after which the cache is released:
// smaller ones share their pages with others.
const releaseAtLeast = 64 << 10

// release lets go of bytes that were read.
func (s *shard) release(off, n int64) {
	if s.behind != nil && n >= releaseAtLeast {
		mmap.ReleaseFile(s.behind, off, n)
	}
}

func openShard(ctx context.Context, f *Folder, name string, layout Layout) (*shard, error) {
	file, err := f.open(name)
	if missing(err) {
		return nil, fault.Op("hf").Folder(f.name).Corrupt("weight file %s is missing", name)
	} else if err != nil {
		return nil, err
	}
	s := &shard{name: name, close: file.Close}
	if s.info, err = file.Stat(); err != nil {
		file.Close()
		return nil, fault.Op("hf").Folder(f.name).File(name).IO("%w", err)
	}
	r, ok := file.(io.ReaderAt)
	if !ok {
		file.Close()
		return nil, fault.Op("hf").Folder(f.name).File(name).Unsupported("its file system does not support random access")
	}
	s.r = r
	read := (*shard).readSafetensors
	if layout == PyTorch || layout == MetaNative || layout == AdapterLayout && strings.HasSuffix(name, ".bin") {
		read = (*shard).readPickle
	}
	if err := read(s, ctxio.Bind(ctx, r)); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

func (s *shard) readSafetensors(r io.ReaderAt) error {
	file, err := safetensors.New(r, s.info.Size(), s.name)
	if err != nil {
		return err
	}
	s.format = file.Metadata()["format"]
	for _, t := range file.Tensors() {
		s.tensors = append(s.tensors, Tensor{Name: t.Name, DType: t.DType, Shape: t.Shape, File: s.name, Size: t.Size, shard: s, offset: t.Offset})
	}
	sortByName(s.tensors)
	return nil
}

func (s *shard) readPickle(r io.ReaderAt) error {
	tensors, err := pickle.Tensors(r, s.info.Size(), s.name)
	if err != nil {
		return err
	}
	for _, t := range tensors {
		s.tensors = append(s.tensors, Tensor{Name: t.Name, DType: t.DType, Shape: t.Shape, File: s.name, Size: t.Size, shard: s, offset: t.Offset})
	}
	return nil
}
