// Package oci makes artifacts of GGUF files as OCI registries hold them and
// Docker Model Runner runs them: a manifest that names a description of the
// model and its files by their SHA-256. Artifacts go into a folder in OCI's
// layout or into a registry.
package oci

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/publish/blob"
)

// The media types of Docker Model Runner.
const (
	manifestType  = "application/vnd.oci.image.manifest.v1+json"
	configType    = "application/vnd.docker.ai.model.config.v0.1+json"
	modelType     = "application/vnd.docker.ai.gguf.v3"
	projectorType = "application/vnd.docker.ai.mmproj"
	licenseType   = "application/vnd.docker.ai.license"
)

// pathKey is the annotation that says what the file of a layer is called.
const pathKey = "org.cncf.model.filepath"

// Options say what the files do not.
type Options struct {
	Licenses []string  // texts
	Created  time.Time // zero: when the newest of the files was written
	// FileType names general.file_type, the number of a recipe.
	FileType func(number uint64) string
}

// Artifact is a model with all that its manifest names.
type Artifact struct {
	Manifest blob.Blob
	Blobs    []blob.Blob // the config, then the layers
}

// manifest is that of an artifact.
type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        blob.Layer   `json:"config"`
	Layers        []blob.Layer `json:"layers"`
}

// description is the config.
type description struct {
	Config struct {
		Format       string            `json:"format"`
		Quantization string            `json:"quantization,omitempty"`
		Parameters   string            `json:"parameters"`
		Architecture string            `json:"architecture"`
		Size         string            `json:"size"`
		GGUF         map[string]string `json:"gguf"`
	} `json:"config"`
	Descriptor struct {
		Created time.Time `json:"created"`
	} `json:"descriptor"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// Pack reads the files of a model, which is one file or set and perhaps a
// projector, and makes the artifact of them.
func Pack(ctx context.Context, paths []string, o Options, report progress.Func) (*Artifact, error) {
	var d description
	d.Config.Format, d.RootFS.Type, d.Descriptor.Created = "gguf", "rootfs", o.Created
	var layers []blob.Blob
	seen := map[string]bool{}
	for _, path := range paths {
		f, err := gguf.Open(path)
		if err != nil {
			return nil, err
		}
		files := f.Parts()
		mediaType := ""
		if !seen[files[0]] { // else another part of a set
			mediaType, err = d.add(f, o)
		}
		f.Close()
		if err != nil {
			return nil, err
		}
		if seen[files[0]] {
			continue
		}
		seen[files[0]] = true
		for _, file := range files {
			b, err := blob.File(ctx, mediaType, file, report)
			if err != nil {
				return nil, err
			}
			b.Annotations = map[string]string{pathKey: filepath.Base(file)}
			layers = append(layers, b)
		}
	}
	if d.Config.Architecture == "" {
		return nil, fault.Op("oci").Invalid("none of the files is a model")
	}
	for _, text := range o.Licenses {
		layers = append(layers, blob.Bytes(licenseType, []byte(text)))
	}
	for _, l := range layers {
		d.RootFS.DiffIDs = append(d.RootFS.DiffIDs, l.Digest)
	}
	return seal(d, layers)
}

// seal makes the manifest.
func seal(d description, layers []blob.Blob) (*Artifact, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	config := blob.Bytes(configType, text)
	m := manifest{SchemaVersion: 2, MediaType: manifestType, Config: config.Layer}
	for _, l := range layers {
		m.Layers = append(m.Layers, l.Layer)
	}
	if text, err = json.Marshal(m); err != nil {
		return nil, err
	}
	return &Artifact{blob.Bytes(manifestType, text), append([]blob.Blob{config}, layers...)}, nil
}

// add describes a file, or a set, and returns the media type of its layers.
func (d *description) add(f *gguf.File, o Options) (mediaType string, err error) {
	at := fault.Op("oci").File(f.Name())
	for _, file := range f.Parts() {
		if info, err := os.Stat(file); err == nil && o.Created.IsZero() && info.ModTime().After(d.Descriptor.Created) {
			d.Descriptor.Created = info.ModTime().UTC().Truncate(time.Second)
		}
	}
	kvs := f.KVs()
	arch, _ := kvs.String("general.architecture")
	switch t, _ := kvs.String("general.type"); {
	case t == "mmproj" || arch == "clip":
		return projectorType, nil
	case t != "" && t != "model":
		return "", at.Key("general.type").Unsupported("it is %q, not a model or a projector", t)
	case d.Config.Architecture != "":
		return "", at.Invalid("a second model is given; an artifact holds one, beside a projector")
	case arch == "":
		return "", at.Key("general.architecture").Corrupt("it is missing")
	}
	var elements int64
	for _, t := range f.Tensors() {
		elements += t.Elements()
	}
	d.Config.Architecture, d.Config.Parameters, d.Config.Size = arch, scaled(elements, 1000, " ", " K", " M", " B", " T"), scaled(f.Size(), 1024, " B", " KiB", " MiB", " GiB", " TiB")
	if n, ok := kvs.Uint("general.file_type"); ok && o.FileType != nil {
		d.Config.Quantization = o.FileType(n)
	}
	d.Config.GGUF = plain(kvs)
	return modelType, nil
}

// plain are the key-values that are no arrays, as text.
func plain(kvs gguf.KVs) map[string]string {
	all := map[string]string{}
	for _, kv := range kvs {
		switch v := kv.Value.(type) {
		case string, bool, uint8, int8, uint16, int16, uint32, int32, uint64, int64:
			all[kv.Key] = fmt.Sprint(v)
		case float32:
			all[kv.Key] = strconv.FormatFloat(float64(v), 'g', -1, 32)
		case float64:
			all[kv.Key] = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return all
}

// scaled writes a number with two digits after the point and a unit.
func scaled(n int64, base float64, units ...string) string {
	value, unit := float64(n), 0
	for value >= base && unit < len(units)-1 {
		value /= base
		unit++
	}
	return strings.TrimSpace(strconv.FormatFloat(value, 'f', 2, 64) + units[unit])
}
