package pickle

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/internal/lfs"
)

// Limits on what is held in memory of a hostile file.
const (
	maxDirectory = 4 << 20 // bytes of the ZIP directory
	maxPickle    = 8 << 20 // bytes of data.pkl
)

// archive is the ZIP file with its entries by their name below the top folder.
type archive struct {
	size    int64
	entries map[string]*zip.File
}

// openers are the first bytes of files that are not ZIP archives.
var openers = []struct{ magic, says string }{
	{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", "torch.save wrote it in the format from before PyTorch 1.6; load it with PyTorch and save it as safetensors"},
	{"\x80", "it is a bare pickle, not a PyTorch archive; load it with PyTorch and save it as safetensors"},
}

func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	head := make([]byte, min(size, 32))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, readError(err)
	}
	if err := lfs.Check(head); err != nil {
		return nil, err
	}
	for _, o := range openers {
		if bytes.HasPrefix(head, []byte(o.magic)) {
			return nil, fault.Unsupported("%s", o.says)
		}
	}
	limited := &budget{r, maxDirectory}
	z, err := zip.NewReader(limited, size)
	limited.left = math.MaxInt
	if err != nil {
		return nil, zipError("not a PyTorch archive, or a truncated one", err)
	}
	a := &archive{size, map[string]*zip.File{}}
	top := ""
	for _, f := range z.File {
		if dir, found := strings.CutSuffix(f.Name, "data.pkl"); found && (dir == "" || strings.Count(dir, "/") == 1 && strings.HasSuffix(dir, "/")) {
			if a.entries["data.pkl"] != nil {
				return nil, fault.Corrupt("the archive has data.pkl twice")
			}
			top = dir
			a.entries["data.pkl"] = f
		}
	}
	if a.entries["data.pkl"] == nil {
		return nil, fault.Corrupt("the archive has no data.pkl")
	}
	for _, f := range z.File {
		name, found := strings.CutPrefix(f.Name, top)
		if !found || name == "data.pkl" {
			continue
		}
		if a.entries[name] != nil {
			return nil, fault.Corrupt("the archive has %q twice", clip(name))
		}
		a.entries[name] = f
	}
	order, err := a.read("byteorder", 16)
	if err == nil && order != nil && string(order) != "little" {
		return nil, fault.Unsupported("its tensors are in %s-endian order", clip(string(order)))
	}
	return a, err
}

// budget bounds how much of a file may be read.
type budget struct {
	io.ReaderAt
	left int
}

var errBudget = errors.New("the archive's directory is too long")

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBudget
	}
	return b.ReaderAt.ReadAt(p, off)
}

// locate returns the byte range of an entry, which must be stored as it is.
func (a *archive) locate(name string) (offset, size int64, err error) {
	f := a.entries[name]
	if f == nil {
		return 0, 0, fault.Corrupt("the archive lacks %q", clip(name))
	}
	if f.Method != zip.Store || f.Flags&1 != 0 || f.CompressedSize64 != f.UncompressedSize64 {
		return 0, 0, fault.Unsupported("%q is compressed or encrypted in the archive", clip(name))
	}
	if offset, err = f.DataOffset(); err != nil {
		return 0, 0, zipError("the archive's entry "+clip(name)+" is broken", err)
	}
	if offset < 0 || offset > a.size || f.UncompressedSize64 > uint64(a.size-offset) {
		return 0, 0, fault.Corrupt("%q reaches beyond the file: it is truncated", clip(name))
	}
	return offset, int64(f.UncompressedSize64), nil
}

// read returns an entry with its checksum verified, nil where there is none.
func (a *archive) read(name string, limit int64) ([]byte, error) {
	if a.entries[name] == nil {
		return nil, nil
	}
	_, size, err := a.locate(name)
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fault.Corrupt("%q is longer than %d bytes", name, limit)
	}
	f, err := a.entries[name].Open()
	if err != nil {
		return nil, zipError("the archive's entry "+name+" is broken", err)
	}
	defer f.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, zipError("the archive's entry "+name+" is broken", err)
	}
	if _, err := f.Read(make([]byte, 1)); err != io.EOF { // the checksum comes with the end
		return nil, zipError("the archive's entry "+name+" is broken", err)
	}
	return data, nil
}

// zipError distinguishes a broken archive from a failing device.
func zipError(says string, err error) error {
	for _, format := range []error{zip.ErrFormat, zip.ErrChecksum, zip.ErrAlgorithm, io.EOF, io.ErrUnexpectedEOF, errBudget, nil} {
		if errors.Is(err, format) {
			return fault.Corrupt("%s: %v", says, err)
		}
	}
	return err
}

func readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return fault.Corrupt("the file was shortened while it was read")
	}
	return err
}

// clip shortens text of a hostile file for a message.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}
