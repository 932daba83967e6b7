package ollama

import (
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

// Store is a folder of models: manifests by their names and blobs by their
// SHA-256.
type Store struct{ Dir string }

// DefaultStore is the folder that Ollama uses: OLLAMA_MODELS, or
// .ollama/models in the home.
func DefaultStore() (Store, error) {
	if dir := strings.TrimSpace(os.Getenv("OLLAMA_MODELS")); dir != "" {
		return Store{dir}, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return Store{}, fault.Op("ollama").Invalid("OLLAMA_MODELS is not set and there is no home: %w", err)
	}
	return Store{filepath.Join(home, ".ollama", "models")}, nil
}

// Create puts a model into the store and returns the path of its manifest. The
// bytes of the files are linked where file and store are on one file system,
// otherwise copied. The blobs come first, so that nobody sees a model that is
// not whole; a model of the same name is replaced.
func (s Store) Create(ctx context.Context, n Name, m *Model, report progress.Func) (string, error) {
	blobs := filepath.Join(s.Dir, "blobs")
	path := filepath.Join(s.Dir, "manifests", n.file())
	for _, dir := range []string{blobs, filepath.Dir(path)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
	}
	var files []blob
	for _, f := range m.Files {
		b, err := hashed(ctx, f, report)
		if err != nil {
			return "", err
		}
		files = append(files, b)
	}
	config, layers, err := m.blobs(files)
	if err != nil {
		return "", err
	}
	for _, b := range append(layers, config) {
		if err := s.add(ctx, b, report); err != nil {
			return "", err
		}
	}
	data, err := manifestOf(config, layers)
	if err != nil {
		return "", err
	}
	return path, atomicfile.WriteFile(path, data, atomicfile.Options{Force: true})
}

// hashed is the layer of a file.
func hashed(ctx context.Context, f File, report progress.Func) (blob, error) {
	sum, size, err := sumOf(ctx, f.Path, "hashing", report)
	return blob{Layer{layerType + f.Kind, "sha256:" + sum, size}, f.Path, nil}, err
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
			return at.Done, fault.Op("ollama").File(at.Note).IO("%w", err)
		case ctx.Err() != nil:
			return at.Done, context.Cause(ctx)
		}
	}
}

// add puts one blob into the store. One that is there is left, if it is the
// same file or has the content that its name says.
func (s Store) add(ctx context.Context, b blob, report progress.Func) error {
	hexSum := strings.TrimPrefix(b.Digest, "sha256:")
	path := filepath.Join(s.Dir, "blobs", "sha256-"+hexSum)
	if b.path == "" {
		return atomicfile.WriteFile(path, b.data, atomicfile.Options{Force: true})
	}
	source, err := os.Stat(b.path)
	if err != nil {
		return err
	}
	if there, err := os.Stat(path); err == nil && there.Size() == b.Size {
		if os.SameFile(source, there) {
			return nil
		}
		if sum, _, err := sumOf(ctx, path, "checking the blob", report); err != nil || sum == hexSum {
			return err
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(b.path, path) == nil {
		return atomicfile.SyncName(path)
	}
	return copyBlob(ctx, b, path, report)
}

// copyBlob copies a file under the name of its content, and holds it to that.
func copyBlob(ctx context.Context, b blob, path string, report progress.Func) error {
	r, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := atomicfile.Create(path, atomicfile.Options{Force: true, Inputs: []string{b.path}})
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Preallocate(b.Size); err != nil {
		return err
	}
	h := sha256.New()
	at := progress.Report{Step: "copying", Note: filepath.Base(b.path), Total: b.Size, Bytes: true}
	if _, err := pass(ctx, io.MultiWriter(w, h), r, at, report); err != nil {
		return err
	}
	if "sha256:"+hex.EncodeToString(h.Sum(nil)) != b.Digest {
		return fault.Op("ollama").File(b.path).Corrupt("the file changed while it was copied")
	}
	return w.Commit()
}
