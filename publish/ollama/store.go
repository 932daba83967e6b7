package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/publish/blob"
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
	config, layers, err := m.blobs(ctx, report)
	if err != nil {
		return "", err
	}
	for _, b := range append(layers, config) {
		if err := b.Put(ctx, s.blob(b.Layer), report); err != nil {
			return "", err
		}
	}
	data, err := manifestOf(config, layers)
	if err != nil {
		return "", err
	}
	return path, atomicfile.WriteFile(path, data, atomicfile.Options{Force: true})
}

// load finds the blobs and the manifest of a model.
func (s Store) load(n Name) ([]blob.Blob, []byte, error) {
	at := fault.Op("ollama").Folder(n.String())
	manifest, err := atomicfile.ReadFile(filepath.Join(s.Dir, "manifests", n.file()), atomicfile.MaxSettings)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, at.Invalid("there is no such model in %s", s.Dir)
	}
	if err != nil {
		return nil, nil, err
	}
	var m Manifest
	if err := json.Unmarshal(manifest, &m); err != nil || len(m.Layers) == 0 {
		return nil, nil, at.Corrupt("its manifest in %s cannot be read", s.Dir)
	}
	var blobs []blob.Blob
	for _, l := range append(m.Layers, m.Config) {
		if !digest.MatchString(l.Digest) {
			return nil, nil, at.Corrupt("its manifest names a layer %q", l.Digest)
		}
		b := blob.Blob{Layer: l, Path: s.blob(l)}
		c, err := b.Open()
		if err != nil {
			return nil, nil, at.Corrupt("a layer is not in %s: %w", s.Dir, err)
		}
		c.Close()
		blobs = append(blobs, b)
	}
	return blobs, manifest, nil
}

var digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// hashed is the layer of a file.
func hashed(ctx context.Context, f File, report progress.Func) (blob.Blob, error) {
	return blob.File(ctx, layerType+f.Kind, f.Path, report)
}

// blob is where a blob lies.
func (s Store) blob(l blob.Layer) string { return filepath.Join(s.Dir, "blobs", "sha256-"+l.Hex()) }
