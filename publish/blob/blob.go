// Package blob holds what stores and registries of models consist of: layers
// by their SHA-256, which are files as they lie or a few bytes, and how they
// get into a folder of them.
package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
)

// Layer is how a manifest names a blob.
type Layer struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"` // sha256: and 64 digits
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Hex is the digest without its algorithm.
func (l Layer) Hex() string { return strings.TrimPrefix(l.Digest, "sha256:") }

// Blob is the content of a layer: a file or a few bytes.
type Blob struct {
	Layer
	Path string // of the file; or
	Data []byte
}

// Bytes makes a layer of bytes.
func Bytes(mediaType string, data []byte) Blob {
	sum := sha256.Sum256(data)
	return Blob{Layer: Layer{MediaType: mediaType, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(data))}, Data: data}
}

// File makes a layer of a file, which it reads in full.
func File(ctx context.Context, mediaType, path string, report progress.Func) (Blob, error) {
	sum, size, err := sumOf(ctx, path, "hashing", report)
	return Blob{Layer: Layer{MediaType: mediaType, Digest: "sha256:" + sum, Size: size}, Path: path}, err
}

// Content is what a blob holds, readable at offsets.
type Content interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// Open opens the content.
func (b Blob) Open() (Content, error) {
	if b.Path == "" {
		return inMemory{bytes.NewReader(b.Data)}, nil
	}
	f, err := os.Open(b.Path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Size() != b.Size {
		return nil, errors.Join(fault.File(b.Path).Corrupt("the file changed meanwhile"), f.Close())
	}
	return f, nil
}

// sumOf reads a whole file.
func sumOf(ctx context.Context, path, step string, report progress.Func) (string, int64, error) {
	r, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return "", 0, err
	}
	h := sha256.New()
	n, err := pass(ctx, h, r, progress.Report{Step: step, Note: filepath.Base(path), Total: info.Size(), Bytes: true}, report)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// pass copies what r gives and reports how far it is.
func pass(ctx context.Context, w io.Writer, r io.Reader, at progress.Report, report progress.Func) (int64, error) {
	buf := make([]byte, 1<<20)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return at.Done, err
			}
			at.Done += int64(n)
			report.Report(at)
		}
		switch {
		case errors.Is(err, io.EOF):
			return at.Done, nil
		case err != nil:
			return at.Done, fault.File(at.Note).IO("%w", err)
		case ctx.Err() != nil:
			return at.Done, context.Cause(ctx)
		}
	}
}

// Put puts a blob under a path: a file is linked where both are on one file
// system, otherwise copied. What lies there is left, if it is the same file or
// has the content that the digest says.
func (b Blob) Put(ctx context.Context, path string, report progress.Func) error {
	if b.Path == "" {
		return atomicfile.WriteFile(path, b.Data, atomicfile.Options{Force: true})
	}
	source, err := os.Stat(b.Path)
	if err != nil {
		return err
	}
	if there, err := os.Stat(path); err == nil && there.Size() == b.Size {
		if os.SameFile(source, there) {
			return nil
		}
		if sum, _, err := sumOf(ctx, path, "checking the blob", report); err != nil || sum == b.Hex() {
			return err
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(b.Path, path) == nil {
		return atomicfile.SyncName(path)
	}
	return b.copy(ctx, path, report)
}

// copy copies a file and holds it to its digest.
func (b Blob) copy(ctx context.Context, path string, report progress.Func) error {
	r, err := os.Open(b.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := atomicfile.Create(path, atomicfile.Options{Force: true, Inputs: []string{b.Path}})
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Preallocate(b.Size); err != nil {
		return err
	}
	h := sha256.New()
	at := progress.Report{Step: "copying", Note: filepath.Base(b.Path), Total: b.Size, Bytes: true}
	if _, err := pass(ctx, io.MultiWriter(w, h), r, at, report); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != b.Hex() {
		return fault.File(b.Path).Corrupt("the file changed while it was copied")
	}
	return w.Commit()
}
