package oci

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/f190792d/mq/formats/atomicfile"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/publish/blob"
)

const (
	indexType = "application/vnd.oci.image.index.v1+json"
	nameKey   = "org.opencontainers.image.ref.name" // the annotation with a tag
	version   = `{"imageLayoutVersion":"1.0.0"}`
)

// index lists the artifacts of a layout.
type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType,omitempty"`
	Manifests     []blob.Layer `json:"manifests"`
}

// Layout puts an artifact under a tag into a folder in OCI's layout, beside
// what the folder holds already. Files are linked where that is possible.
func (a *Artifact) Layout(ctx context.Context, dir, tag string, report progress.Func) error {
	if err := atomicfile.CheckFolder(filepath.Clean(dir)); err != nil {
		return err
	}
	blobs := filepath.Join(dir, "blobs", "sha256")
	all, err := readIndex(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(blobs, 0o777); err != nil {
		return err
	}
	for _, b := range append(slices.Clone(a.Blobs), a.Manifest) {
		if err := b.Put(ctx, filepath.Join(blobs, b.Hex()), report); err != nil {
			return err
		}
	}
	named := a.Manifest.Layer
	named.Annotations = map[string]string{nameKey: tag}
	all.Manifests = append(slices.DeleteFunc(all.Manifests, func(l blob.Layer) bool { return l.Annotations[nameKey] == tag }), named)
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	replace := atomicfile.Options{Force: true}
	if err := atomicfile.WriteFile(filepath.Join(dir, "oci-layout"), []byte(version), replace); err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, "index.json"), text, replace)
}

// readIndex reads what a folder holds. One that holds something else is not
// written into.
func readIndex(dir string) (*index, error) {
	all := &index{SchemaVersion: 2, MediaType: indexType}
	text, err := atomicfile.ReadFile(filepath.Join(dir, "index.json"), atomicfile.MaxSettings)
	if errors.Is(err, fs.ErrNotExist) {
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			return nil, fault.Op("oci").Folder(dir).Invalid("the folder holds other files: name a new one, or one in OCI's layout")
		}
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, all); err != nil || all.SchemaVersion != 2 {
		return nil, fault.Op("oci").Folder(dir).File("index.json").Corrupt("it is not the index of OCI's layout")
	}
	return all, nil
}
